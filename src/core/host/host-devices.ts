// SPDX-License-Identifier: Apache-2.0
// The host's device nodes, as containers may be given them.

/** A character or block device. */
export interface HostDevice {
  readonly path: string;
  readonly type: "c" | "b";
  readonly major: number;
  readonly minor: number;
  /** Permission bits. */
  readonly fileMode: number;
  readonly uid: number;
  readonly gid: number;
}

/** Looks at device files of this machine. */
export interface HostDevices {
  /** The device at the path, or all below it when it is a directory; not-found, or invalid-argument for another file. */
  find(path: string): Promise<readonly HostDevice[]>;
  /** All of /dev but terminals and shared memory. */
  list(): Promise<readonly HostDevice[]>;
}
