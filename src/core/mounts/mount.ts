// SPDX-License-Identifier: Apache-2.0
// Mounts as data, and the seam that makes them real.
//
// A mount is what mount(8) needs: type, source and options. Activating puts a list of them onto a target directory, in
// order; deactivating takes all of them away. Both are idempotent, and what is mounted is read back from the kernel, so
// a daemon that was killed finds it again.

import type { IdMappings } from "../../base/id-mapping.ts";

/** One mount, not yet made. options are those of mount(8): "ro", "rbind", "lowerdir=…". */
export interface Mount {
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

/** How a list of mounts is to appear. */
export interface ActivateOptions {
  /**
   * Idmapped: a file of the id 0 on disk appears as the host's id that these mappings give 0, and what is written under
   * that id lands as 0 on disk. failed-precondition when the kernel or the file system cannot do it.
   */
  readonly idMappings?: IdMappings;
  /**
   * The target lies in a directory of its own, which comes and goes with it: only root, and root of the mappings, get
   * through it. For what has setuid programs in it that are none of this machine's users' business (CVE-2021-41103).
   */
  readonly guarded?: boolean;
}

/** Whether a directory can be mounted idmapped, and else why not. */
export type IdmapSupport = { readonly possible: true } | { readonly possible: false; readonly reason: string };

/** Mounts and unmounts on this machine. */
export interface MountActivator {
  /** Mounts the list onto the target directory, which is created. Undoes what it did when one of them fails. */
  activate(target: string, mounts: readonly Mount[], options?: ActivateOptions): Promise<void>;
  /** Unmounts all that is mounted on the target; succeeds when there is nothing. An empty directory goes with it. */
  deactivate(target: string, options?: Pick<ActivateOptions, "guarded">): Promise<void>;
  /** The mount points at or below this directory. */
  list(directory: string): Promise<readonly string[]>;
  /**
   * Tries it with an overlay whose layers lie in this directory, for a moment below the name .idmap-trial: one on the
   * file system of the snapshots.
   */
  canIdmap(directory: string): Promise<IdmapSupport>;
}
