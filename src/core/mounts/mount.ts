// SPDX-License-Identifier: Apache-2.0
// Mounts as data, and the seam that makes them real.
//
// A mount is what mount(8) needs: type, source and options. Activating puts a list of them onto a target directory, in
// order; deactivating takes all of them away. Both are idempotent, and what is mounted is read back from the kernel, so
// a daemon that was killed finds it again.

/** One mount, not yet made. options are those of mount(8): "ro", "rbind", "lowerdir=…". */
export interface Mount {
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

/** Mounts and unmounts on this machine. */
export interface MountActivator {
  /** Mounts the list onto the target directory, which is created. Undoes what it did when one of them fails. */
  activate(target: string, mounts: readonly Mount[]): Promise<void>;
  /** Unmounts all that is mounted on the target; succeeds when there is nothing. An empty directory goes with it. */
  deactivate(target: string): Promise<void>;
  /** The mount points at or below this directory. */
  list(directory: string): Promise<readonly string[]>;
}
