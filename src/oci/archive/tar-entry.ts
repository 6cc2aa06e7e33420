// SPDX-License-Identifier: Apache-2.0
// What a tar archive is made of, for reader and writer alike. Names are byte strings (base/byte-string.ts), exactly as
// the archive has them: an entry may be called "../../etc", and it is the unpacker who must care.

import type { ByteString } from "../../base/byte-string.ts";
import { EngineError } from "../../base/errors.ts";

/** Bytes. */
export const tarBlockSize = 512;

/** Longest path or link target, in bytes: the kernel takes no longer one (PATH_MAX without its NUL). */
export const maximumTarPathBytes = 4095;

/** Largest extension header (PAX records, GNU long name, sparse map), in bytes. */
export const maximumTarExtensionBytes = 1 << 20;

/** What an entry makes. */
export type TarEntryKind =
  | "file"
  | "directory"
  | "symlink"
  | "hard-link"
  | "character-device"
  | "block-device"
  | "fifo";

/** A stretch of a sparse file that has data. */
export interface TarExtent {
  readonly offset: number;
  readonly length: number;
}

/** One entry with all that its headers say. */
export interface TarEntry {
  readonly path: ByteString;
  readonly kind: TarEntryKind;
  /** The lower twelve bits: permissions, setuid, setgid, sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of a file, holes included; 0 for all other kinds. */
  readonly size: number;
  /** Seconds since 1970, rounded down, and the rest. */
  readonly mtimeSeconds: number;
  readonly mtimeNanoseconds: number;
  /** Where a symlink points, or the path of a hard link's other name. */
  readonly linkTarget: ByteString;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  readonly xattrs: ReadonlyMap<ByteString, Uint8Array>;
  /** Where a sparse file has data, in order; undefined when it has no holes. */
  readonly extents: readonly TarExtent[] | undefined;
}

/** The archive's bytes do not make sense, or end too early: data-loss. */
export function malformedTar(message: string): EngineError {
  return new EngineError("data-loss", `malformed tar archive: ${message}`);
}

/** The archive is well-formed but asks for more than we accept: invalid-argument. */
export function refusedTar(message: string): EngineError {
  return new EngineError("invalid-argument", `tar archive refused: ${message}`);
}

/** How many zero bytes follow so many bytes of data, up to the next block. */
export function tarPaddingSize(size: number): number {
  return (tarBlockSize - (size % tarBlockSize)) % tarBlockSize;
}
