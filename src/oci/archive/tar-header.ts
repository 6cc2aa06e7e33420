// SPDX-License-Identifier: Apache-2.0
// One header block of a tar archive (POSIX.1-1988 ustar, old V7, GNU, star), decoded but not yet combined with
// extension headers. Numbers are octal text or, with the top bit of the first byte set, big-endian two's complement.

import type { ByteString } from "../../base/byte-string.ts";
import { malformedTar, tarBlockSize } from "./tar-entry.ts";

export interface TarHeader {
  /** "0" to "7", "x", "g", "L", "K", "S"; a NUL of old archives is given as "0". */
  readonly typeFlag: string;
  readonly path: ByteString;
  readonly linkTarget: ByteString;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes that follow in the archive. */
  readonly size: number;
  readonly mtime: number;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
}

/** undefined for a block of zeros; data-loss for a wrong checksum or number. at: its offset in the archive. */
export function decodeTarHeader(block: Buffer, at: number): TarHeader | undefined {
  if (block[0] === 0 && isZero(block)) return undefined;
  checkSum(block, at);
  const typeByte = block[156] ?? 0;
  const path = field(block, 0, 100);
  const magic = block.toString("latin1", 257, 265);
  const isUstar = magic.startsWith("ustar\0");
  const prefix = isUstar ? field(block, 345, block.toString("latin1", 508, 512) === "tar\0" ? 131 : 155) : "";
  const typeFlag = typeByte === 0 ? "0" : String.fromCharCode(typeByte);
  const isDevice = typeFlag === "3" || typeFlag === "4";
  const header = {
    typeFlag,
    path: prefix === "" ? path : `${prefix}/${path}`,
    linkTarget: field(block, 157, 100),
    mode: tarNumber(block, 100, 8),
    uid: tarNumber(block, 108, 8),
    gid: tarNumber(block, 116, 8),
    size: tarNumber(block, 124, 12),
    mtime: tarNumber(block, 136, 12),
    deviceMajor: isDevice ? tarNumber(block, 329, 8) : 0,
    deviceMinor: isDevice ? tarNumber(block, 337, 8) : 0,
  };
  const wrong = Object.entries(header).find(([, value]) => value === undefined);
  if (wrong !== undefined) throw malformedTar(`the header at byte ${at} has a bad number in its field ${wrong[0]}`);
  return header as TarHeader;
}

/** A number field; undefined when it is neither octal nor a binary number that fits 53 bits. */
export function tarNumber(block: Buffer, start: number, length: number): number | undefined {
  const first = block[start] ?? 0;
  if ((first & 0x80) !== 0) return binaryNumber(block.subarray(start, start + length));
  const end = start + length;
  let at = start;
  while (at < end && (block[at] === 0x20 || block[at] === 0)) at++;
  let value = 0;
  for (; at < end; at++) {
    const byte = block[at] ?? 0;
    if (byte === 0 || byte === 0x20) break;
    if (byte < 0x30 || byte > 0x37) return undefined;
    value = value * 8 + (byte - 0x30);
  }
  return value;
}

function binaryNumber(bytes: Buffer): number | undefined {
  const negative = ((bytes[0] ?? 0) & 0x40) !== 0;
  let value = 0;
  for (let at = 0; at < bytes.length; at++) {
    let byte = bytes[at] ?? 0;
    if (negative) byte = ~byte & 0xff;
    if (at === 0) byte &= 0x7f;
    value = value * 256 + byte;
    if (value > Number.MAX_SAFE_INTEGER) return undefined;
  }
  return negative ? -value - 1 : value;
}

function field(block: Buffer, start: number, length: number): ByteString {
  if (block[start] === 0) return "";
  const text = block.toString("latin1", start, start + length);
  const end = text.indexOf("\0");
  return end < 0 ? text : text.slice(0, end);
}

function isZero(block: Buffer): boolean {
  return block.equals(zeroBlock);
}

const zeroBlock = Buffer.alloc(tarBlockSize);

// POSIX sums unsigned bytes; some historic tars summed signed ones. The checksum field itself counts as spaces.
function checkSum(block: Buffer, at: number): void {
  const stored = tarNumber(block, 148, 8);
  let unsigned = 8 * 0x20;
  let high = 0;
  for (let index = 0; index < tarBlockSize; index++) {
    if (index === 148) index = 156;
    const byte = block[index] as number; // within the block
    unsigned += byte;
    high += byte >> 7;
  }
  if (stored !== unsigned && stored !== unsigned - high * 256) {
    throw malformedTar(`the header at byte ${at} has a wrong checksum`);
  }
}
