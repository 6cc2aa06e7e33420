// SPDX-License-Identifier: Apache-2.0
// PAX extension records (POSIX.1-2001 pax, "pax Extended Header"): "<length> <key>=<value>\n", where the length counts
// the whole record. Values are bytes. Extended attributes travel as SCHILY.xattr.<name> (star, GNU tar, containers) or
// LIBARCHIVE.xattr.<percent-encoded name> with a base64 value.

import type { ByteString } from "../../base/byte-string.ts";
import { malformedTar } from "./tar-entry.ts";
import { addSparseRecord, type PaxSparse } from "./tar-sparse.ts";

/** What the records of one or more PAX headers say about the next entry. */
export interface PaxAttributes {
  path?: ByteString;
  linkTarget?: ByteString;
  size?: number;
  uid?: number;
  gid?: number;
  mtime?: { readonly seconds: number; readonly nanoseconds: number };
  xattrs?: Map<ByteString, Uint8Array>;
  sparse?: PaxSparse;
}

const newline = 0x0a;
const equalsSign = 0x3d;

/** Calls back for each record, in order; the value is a view of the body. */
export function parsePaxRecords(body: Buffer, onRecord: (key: ByteString, value: Buffer) => void): void {
  let at = 0;
  while (at < body.length) {
    // Some writers fill the rest of the header with NULs.
    if (body[at] === 0 && body.subarray(at).every((byte) => byte === 0)) return;
    const space = body.indexOf(0x20, at);
    const digits = space < 0 || space - at > 10 ? "" : body.toString("latin1", at, space);
    const end = at + Number(digits);
    if (!/^[1-9]\d*$/.test(digits) || end > body.length || end < space + 3 || body[end - 1] !== newline) {
      throw malformedTar("a PAX record has a wrong length");
    }
    const separator = body.indexOf(equalsSign, space + 1);
    if (separator < 0 || separator >= end || separator === space + 1) {
      throw malformedTar("a PAX record has no key");
    }
    onRecord(body.toString("latin1", space + 1, separator), body.subarray(separator + 1, end - 1));
    at = end;
  }
}

/** Adds one record to the attributes; unknown keys are ignored. An empty value takes an earlier one back. */
export function applyPaxRecord(attributes: PaxAttributes, key: ByteString, value: Buffer): void {
  switch (key) {
    case "path":
      return assign(attributes, "path", value.length === 0 ? undefined : paxName(key, value));
    case "linkpath":
      return assign(attributes, "linkTarget", value.length === 0 ? undefined : paxName(key, value));
    case "size":
      return assign(attributes, "size", paxInteger(key, value, /^\d+$/));
    case "uid":
    case "gid":
      return assign(attributes, key, paxInteger(key, value, /^-?\d+$/));
    case "mtime":
      return assign(attributes, "mtime", value.length === 0 ? undefined : paxTime(value));
    default:
  }
  if (key.startsWith("GNU.sparse.")) {
    attributes.sparse = addSparseRecord(attributes.sparse ?? {}, key, value.toString("latin1"));
  } else if (key.startsWith("SCHILY.xattr.")) {
    attributes.xattrs = (attributes.xattrs ?? new Map()).set(key.slice("SCHILY.xattr.".length), Buffer.from(value));
  } else if (key.startsWith("LIBARCHIVE.xattr.")) {
    const name = percentDecode(key.slice("LIBARCHIVE.xattr.".length));
    const bytes = Buffer.from(value.toString("latin1"), "base64");
    attributes.xattrs ??= new Map();
    // The same attribute may come in both forms; SCHILY's needs no decoding and wins.
    if (!attributes.xattrs.has(name)) attributes.xattrs.set(name, bytes);
  }
}

/** One record, its own length included. */
export function formatPaxRecord(key: ByteString, value: Uint8Array): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`, "latin1"), value, Buffer.from("\n")]);
  let length = rest.length;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

function assign<K extends keyof PaxAttributes>(
  attributes: PaxAttributes,
  key: K,
  value: PaxAttributes[K] | undefined,
): void {
  if (value === undefined) delete attributes[key];
  else attributes[key] = value;
}

function paxName(key: string, value: Buffer): ByteString {
  if (value.includes(0)) throw malformedTar(`the PAX record ${key} contains a NUL byte`);
  return value.toString("latin1");
}

function paxInteger(key: string, value: Buffer, pattern: RegExp): number | undefined {
  if (value.length === 0) return undefined;
  const text = value.toString("latin1");
  const number = Number(text);
  if (!pattern.test(text) || !Number.isSafeInteger(number)) {
    throw malformedTar(`the PAX record ${key} is not a number we can hold: ${JSON.stringify(text.slice(0, 40))}`);
  }
  return number;
}

function paxTime(value: Buffer): { readonly seconds: number; readonly nanoseconds: number } {
  const text = value.toString("latin1");
  const match = /^(-?)(\d+)(?:\.(\d*))?$/.exec(text);
  const whole = Number(match?.[2]);
  if (match === null || !Number.isSafeInteger(whole)) {
    throw malformedTar(`the PAX record mtime is not a time: ${JSON.stringify(text.slice(0, 40))}`);
  }
  const nanoseconds = Number((match[3] ?? "").slice(0, 9).padEnd(9, "0"));
  if (match[1] !== "-") return { seconds: whole, nanoseconds };
  if (nanoseconds === 0) return { seconds: 0 - whole, nanoseconds: 0 };
  return { seconds: -whole - 1, nanoseconds: 1_000_000_000 - nanoseconds };
}

function percentDecode(name: ByteString): ByteString {
  return name.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
