// SPDX-License-Identifier: Apache-2.0
// A directory tree as a tar that is made while it is read. The tree may change meanwhile, also with ill will: every
// directory is opened inside the root before anything in it is looked at, and no symlink is followed.

import { type BigIntStats, closeSync, fstatSync, openSync, readdirSync, readlinkSync } from "node:fs";
import { open } from "node:fs/promises";
import type { ByteString } from "../../../base/byte-string.ts";
import { type IdMappings, toContainerId } from "../../../base/id-mapping.ts";
import { deviceNumbers } from "../../../host/files/device-numbers.ts";
import { hasErrno } from "../../../host/files/errno.ts";
import { getXattr, listXattrs, openAt2, openFlags, resolveFlags } from "../../../linux/ffi/file.ts";
import { type NewTarEntry, tarEnd, tarHeader, tarPadding } from "../../../oci/archive/tar-writer.ts";
import { descriptorPath } from "./resolve.ts";

const inside = resolveFlags.beneath | resolveFlags.noSymlinks | resolveFlags.noMagicLinks;
const chunkBytes = 256 * 1024;
const nanosecondsPerSecond = 1_000_000_000n;

export interface ArchiveOptions {
  readonly signal: AbortSignal;
  /** Of a root that is mounted idmapped: the archive has the ids inside. */
  readonly idMappings?: IdMappings;
}

/** See RootFilesystem.archive. */
export async function* archiveTree(root: string, options: ArchiveOptions): AsyncGenerator<Uint8Array> {
  const descriptor = openSync(root, openFlags.path | openFlags.directory);
  try {
    let parts: Buffer[] = [];
    let bytes = 0;
    for await (const part of entries(descriptor, options)) {
      parts.push(part);
      bytes += part.length;
      if (bytes < chunkBytes) continue;
      yield Buffer.concat(parts);
      parts = [];
      bytes = 0;
    }
    yield Buffer.concat([...parts, tarEnd()]);
  } finally {
    closeSync(descriptor);
  }
}

async function* entries(root: number, options: ArchiveOptions): AsyncGenerator<Buffer> {
  /** The first name of each file that has several. */
  const linked = new Map<bigint, ByteString>();
  const pending = namesIn(root, "").toReversed();
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    options.signal.throwIfAborted();
    const descriptor = find(root, path);
    if (descriptor === undefined) continue; // gone by now
    try {
      const stats = fstatSync(descriptor, { bigint: true });
      const entry = { ...attributes(stats, options), path };
      const first = stats.isDirectory() || stats.nlink < 2n ? undefined : linked.get(stats.ino);
      if (first !== undefined) {
        yield tarHeader({ ...entry, kind: "hard-link", linkTarget: first });
        continue;
      }
      if (!stats.isDirectory() && stats.nlink > 1n) linked.set(stats.ino, path);
      if (stats.isDirectory()) {
        yield tarHeader({ ...entry, path: `${path}/`, kind: "directory", xattrs: xattrsOf(descriptor) });
        pending.push(...namesIn(root, path).toReversed());
      } else if (stats.isFile()) {
        yield* file(descriptor, { ...entry, kind: "file", size: Number(stats.size), xattrs: xattrsOf(descriptor) });
      } else {
        const special = specialEntry(root, { ...entry, path }, stats);
        if (special !== undefined) yield tarHeader(special);
      }
    } finally {
      closeSync(descriptor);
    }
  }
}

/** What a file has lost since its header was written is zeros, what it has gained is left out. */
async function* file(descriptor: number, entry: NewTarEntry & { readonly size: number }): AsyncGenerator<Buffer> {
  yield tarHeader(entry);
  await using opened = await open(descriptorPath(descriptor), "r");
  for (let left = entry.size; left > 0; ) {
    const buffer = Buffer.alloc(Math.min(left, chunkBytes));
    const { bytesRead } = await opened.read(buffer, 0, buffer.length, null);
    yield bytesRead === 0 ? buffer : buffer.subarray(0, bytesRead);
    left -= bytesRead === 0 ? buffer.length : bytesRead;
  }
  yield tarPadding(entry.size);
}

/** undefined for a socket, which means nothing without who listens, and for a symlink that is gone by now. */
function specialEntry(root: number, entry: Omit<NewTarEntry, "kind">, stats: BigIntStats): NewTarEntry | undefined {
  if (stats.isSymbolicLink()) {
    const linkTarget = linkTargetOf(root, entry.path);
    return linkTarget === undefined ? undefined : { ...entry, kind: "symlink", linkTarget };
  }
  if (stats.isFIFO()) return { ...entry, kind: "fifo" };
  if (stats.isSocket()) return undefined;
  const { major, minor } = deviceNumbers(Number(stats.rdev));
  const kind = stats.isBlockDevice() ? "block-device" : "character-device";
  return { ...entry, kind, deviceMajor: major, deviceMinor: minor };
}

function linkTargetOf(root: number, path: ByteString): ByteString | undefined {
  const slash = path.lastIndexOf("/");
  const directory = find(root, slash < 0 ? "." : path.slice(0, slash));
  if (directory === undefined) return undefined;
  try {
    const name = Buffer.from(`${descriptorPath(directory)}/${path.slice(slash + 1)}`, "latin1");
    return readlinkSync(name, "buffer").toString("latin1");
  } catch (error) {
    if (hasErrno(error, "ENOENT", "EINVAL")) return undefined;
    throw error;
  } finally {
    closeSync(directory);
  }
}

/** Not opened for reading: a FIFO would wait, a device may do something. What is opened may be a symlink itself. */
function find(root: number, path: ByteString): number | undefined {
  try {
    return openAt2(root, path, { flags: openFlags.path | openFlags.noFollow, resolve: inside });
  } catch (error) {
    if (hasErrno(error, "ENOENT", "ENOTDIR", "ELOOP")) return undefined;
    throw error;
  }
}

function namesIn(root: number, path: ByteString): ByteString[] {
  let descriptor: number;
  try {
    descriptor = openAt2(root, path || ".", { flags: openFlags.directory, resolve: inside });
  } catch (error) {
    if (hasErrno(error, "ENOENT", "ENOTDIR", "ELOOP")) return [];
    throw error;
  }
  try {
    const names = readdirSync(descriptorPath(descriptor), { encoding: "buffer" }).map((name) =>
      name.toString("latin1"),
    );
    return names.sort().map((name) => (path === "" ? name : `${path}/${name}`));
  } finally {
    closeSync(descriptor);
  }
}

function xattrsOf(descriptor: number): ReadonlyMap<ByteString, Uint8Array> {
  const path = descriptorPath(descriptor);
  return new Map(listXattrs(path).map((name) => [name, getXattr(path, name) ?? Buffer.alloc(0)]));
}

function attributes(stats: BigIntStats, { idMappings }: ArchiveOptions): Partial<NewTarEntry> {
  const { mode, mtimeNs } = stats;
  const nanoseconds = ((mtimeNs % nanosecondsPerSecond) + nanosecondsPerSecond) % nanosecondsPerSecond;
  const [uid, gid] = [Number(stats.uid), Number(stats.gid)];
  return {
    mode: Number(mode) & 0o7777,
    uid: idMappings === undefined ? uid : toContainerId(idMappings.uidMappings, uid),
    gid: idMappings === undefined ? gid : toContainerId(idMappings.gidMappings, gid),
    mtimeSeconds: Number((mtimeNs - nanoseconds) / nanosecondsPerSecond),
    mtimeNanoseconds: Number(nanoseconds),
  };
}
