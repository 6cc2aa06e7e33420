// SPDX-License-Identifier: Apache-2.0
// Copies what a lower layer has into the layer that is being unpacked, with its attributes, as an overlay does on the
// first change.

import { constants, copyFileSync, readlinkSync, type Stats } from "node:fs";
import type { ByteString } from "../../../../base/byte-string.ts";
import {
  getXattr,
  listXattrs,
  makeNodeAt,
  setModeAt,
  setOwnerAt,
  setTimesAt,
  setXattr,
  symlinkAt,
} from "../../../../linux/ffi/file.ts";
import { descriptorPath, type LowerEntry } from "./lower-layers.ts";

/** Gives the name in the directory the owner, mode, times and kept xattrs of a lower file. */
export function copyAttributes(lower: LowerEntry, directory: number, name: ByteString): void {
  const { stats } = lower;
  setOwnerAt(directory, name, stats.uid, stats.gid);
  if (!stats.isSymbolicLink()) {
    for (const attribute of listXattrs(lower.path)) {
      if (!isKeptXattr(attribute)) continue;
      const value = getXattr(lower.path, attribute);
      if (value !== undefined) setXattr(`${descriptorPath(directory)}/${name}`, attribute, value);
    }
    setModeAt(directory, name, stats.mode & 0o7777);
  }
  setTimesAt(directory, name, timeOf(stats));
}

/** Copies a file of any kind but a directory. */
export function copyUp(lower: LowerEntry, directory: number, name: ByteString): void {
  const { stats } = lower;
  const source = Buffer.from(lower.path, "latin1");
  if (stats.isSymbolicLink()) {
    symlinkAt(readlinkSync(source, { encoding: "buffer" }).toString("latin1"), directory, name);
  } else if (stats.isFile()) {
    const target = Buffer.from(`${descriptorPath(directory)}/${name}`, "latin1");
    copyFileSync(source, target, constants.COPYFILE_EXCL);
  } else {
    makeNodeAt(directory, name, { mode: stats.mode & 0o170000, device: BigInt(stats.rdev) });
  }
  copyAttributes(lower, directory, name);
}

/**
 * Attributes that a layer may set: file capabilities and the user's own. The overlay's own marks would change what the
 * image shows, and a security label of the machine that built the image means nothing on this one.
 */
export function isKeptXattr(name: ByteString): boolean {
  return name === "security.capability" || (name.startsWith("user.") && !name.startsWith("user.overlay."));
}

function timeOf(stats: Stats): { readonly seconds: number; readonly nanoseconds: number } {
  const seconds = Math.floor(stats.mtimeMs / 1000);
  return { seconds, nanoseconds: Math.min(999_999_999, Math.round((stats.mtimeMs - seconds * 1000) * 1e6)) };
}
