// SPDX-License-Identifier: Apache-2.0
// The options of mount(8) sorted into what the kernel takes apart: flags, propagation, attributes for a whole tree, and
// the data of the file system itself.

import { mountAttributes, mountFlags } from "../ffi/mount.ts";

/** Options of one mount, sorted. */
export interface ParsedOptions {
  /** Of mountFlags, without bind, recursive and propagation. */
  readonly flags: number;
  readonly bind: boolean;
  /** The bind takes along what is mounted below its source. */
  readonly recursiveBind: boolean;
  /** Changes of propagation, each a call of its own after the mount. */
  readonly propagation: readonly number[];
  /** Attributes that the options "rro", "rnosuid"… set or clear on every mount of the tree. */
  readonly recursiveSet: number;
  readonly recursiveClear: number;
  /** What is left: the file system's own options, in order. */
  readonly data: readonly string[];
}

interface FlagChange {
  readonly set?: number;
  readonly clear?: number;
}

const f = mountFlags;
const accessTimes = f.noAccessTime | f.relativeAccessTime | f.strictAccessTime;

const flagChanges: Readonly<Record<string, FlagChange>> = {
  defaults: {},
  ro: { set: f.readOnly },
  rw: { clear: f.readOnly },
  nosuid: { set: f.noSuid },
  suid: { clear: f.noSuid },
  nodev: { set: f.noDevices },
  dev: { clear: f.noDevices },
  noexec: { set: f.noExecute },
  exec: { clear: f.noExecute },
  nosymfollow: { set: f.noSymlinkFollow },
  symfollow: { clear: f.noSymlinkFollow },
  sync: { set: f.synchronous },
  async: { clear: f.synchronous },
  dirsync: { set: f.directorySynchronous },
  mand: { set: f.mandatoryLock },
  nomand: { clear: f.mandatoryLock },
  remount: { set: f.remount },
  silent: { set: f.silent },
  loud: { clear: f.silent },
  noatime: { set: f.noAccessTime, clear: accessTimes },
  atime: { clear: f.noAccessTime },
  relatime: { set: f.relativeAccessTime, clear: accessTimes },
  norelatime: { clear: f.relativeAccessTime },
  strictatime: { set: f.strictAccessTime, clear: accessTimes },
  nostrictatime: { clear: f.strictAccessTime },
  nodiratime: { set: f.noDirectoryAccessTime },
  diratime: { clear: f.noDirectoryAccessTime },
  lazytime: { set: f.lazyTime },
  nolazytime: { clear: f.lazyTime },
};

const propagations: Readonly<Record<string, number>> = {
  private: f.private,
  rprivate: f.private | f.recursive,
  shared: f.shared,
  rshared: f.shared | f.recursive,
  slave: f.slave,
  rslave: f.slave | f.recursive,
  unbindable: f.unbindable,
  runbindable: f.unbindable | f.recursive,
};

const a = mountAttributes;

const recursiveChanges: Readonly<Record<string, FlagChange>> = {
  rro: { set: a.readOnly },
  rrw: { clear: a.readOnly },
  rnosuid: { set: a.noSuid },
  rsuid: { clear: a.noSuid },
  rnodev: { set: a.noDevices },
  rdev: { clear: a.noDevices },
  rnoexec: { set: a.noExecute },
  rexec: { clear: a.noExecute },
  rnosymfollow: { set: a.noSymlinkFollow },
  rsymfollow: { clear: a.noSymlinkFollow },
  rnodiratime: { set: a.noDirectoryAccessTime },
  rdiratime: { clear: a.noDirectoryAccessTime },
  rrelatime: { clear: a.accessTimeMask },
  rnoatime: { set: a.noAccessTime, clear: a.accessTimeMask },
  rstrictatime: { set: a.strictAccessTime, clear: a.accessTimeMask },
};

/** Sorts the options; a later one wins over an earlier that contradicts it. What is not known here is data. */
export function parseMountOptions(options: readonly string[]): ParsedOptions {
  let flags = 0;
  let bind = false;
  let recursiveBind = false;
  let recursiveSet = 0;
  let recursiveClear = 0;
  const propagation: number[] = [];
  const data: string[] = [];
  for (const option of options.filter((candidate) => candidate !== "")) {
    const flagChange = own(flagChanges, option);
    const recursiveChange = own(recursiveChanges, option);
    const propagationFlags = own(propagations, option);
    if (option === "bind" || option === "rbind") {
      bind = true;
      recursiveBind ||= option === "rbind";
    } else if (flagChange !== undefined) {
      flags = (flags & ~(flagChange.clear ?? 0)) | (flagChange.set ?? 0);
    } else if (recursiveChange !== undefined) {
      const { set = 0, clear = 0 } = recursiveChange;
      recursiveSet = (recursiveSet & ~clear) | set;
      recursiveClear = (recursiveClear & ~set) | clear;
    } else if (propagationFlags !== undefined) {
      propagation.push(propagationFlags);
    } else {
      data.push(option);
    }
  }
  return { flags, bind, recursiveBind, propagation, recursiveSet, recursiveClear, data };
}

function own<T>(table: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}

/** The attributes of fsmount(2) that the flags of mount(2) stand for. */
export function attributesOf(flags: number): number {
  const pairs = [
    [f.readOnly, a.readOnly],
    [f.noSuid, a.noSuid],
    [f.noDevices, a.noDevices],
    [f.noExecute, a.noExecute],
    [f.noAccessTime, a.noAccessTime],
    [f.strictAccessTime, a.strictAccessTime],
    [f.noDirectoryAccessTime, a.noDirectoryAccessTime],
    [f.noSymlinkFollow, a.noSymlinkFollow],
  ] as const;
  return pairs.reduce((attributes, [flag, attribute]) => attributes | ((flags & flag) === 0 ? 0 : attribute), 0);
}
