// SPDX-License-Identifier: Apache-2.0
// The files of one log: the current one at its path, the rotated ones at path.1 (newest), path.2, ….
//
// All of it is synchronous, so that a reader of this thread never sees a rotation half done.

import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import path from "node:path";
import { failedPrecondition } from "../../../base/errors.ts";
import type { LogRotation } from "../../../core/streams/container-log.ts";
import { ifThereSync } from "../../../host/files/errno.ts";

const fileMode = 0o640;

/**
 * Never through a link, and nothing but a file: a pod that may write where logs lie could have root write elsewhere, or
 * make us wait for ever for somebody to read a FIFO.
 */
const openFlags =
  constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Opens for appending. A record that a killed daemon left half-written gets its newline, so that the next one counts. */
export function openForAppending(file: string): { readonly fd: number; readonly size: number } {
  mkdirSync(path.dirname(file), { recursive: true });
  const fd = openSync(file, openFlags, fileMode);
  try {
    const found = fstatSync(fd);
    if (!found.isFile()) throw failedPrecondition("it is no regular file");
    const { size } = found;
    if (size === 0) return { fd, size };
    const last = Buffer.alloc(1);
    readSync(fd, last, 0, 1, size - 1);
    if (last[0] === 0x0a) return { fd, size };
    return { fd, size: size + writeSync(fd, "\n") };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** Moves every file up by one name and drops the oldest, so that the path is free. */
export function shiftFiles(file: string, { maximumFiles }: LogRotation): void {
  for (const index of rotatedIndexes(file)) {
    if (index >= maximumFiles - 1) rmSync(`${file}.${index}`, { force: true });
    else renameSync(`${file}.${index}`, `${file}.${index + 1}`);
  }
  if (maximumFiles > 1) renameSync(file, `${file}.1`);
  else rmSync(file, { force: true });
}

/** Existing files of the log, the oldest first and the current one last. */
export function logFiles(file: string): readonly string[] {
  return [...rotatedIndexes(file).map((index) => `${file}.${index}`), file];
}

export function removeLogFiles(file: string): void {
  for (const each of logFiles(file)) rmSync(each, { force: true });
}

/** Numbers of the rotated files, the highest (oldest) first. */
function rotatedIndexes(file: string): readonly number[] {
  const prefix = `${path.basename(file)}.`;
  const names = ifThereSync(() => readdirSync(path.dirname(file))) ?? [];
  return names
    .filter((name) => name.startsWith(prefix) && /^[1-9]\d{0,8}$/.test(name.slice(prefix.length)))
    .map((name) => Number(name.slice(prefix.length)))
    .sort((a, b) => b - a);
}
