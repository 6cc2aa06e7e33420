// SPDX-License-Identifier: Apache-2.0
// What a snapshot's own layer has, as the tar of an OCI layer: the way back of unpack/layer-unpacker.ts. The overlay's
// character device 0:0 becomes ".wh.name", its opaque mark ".wh..wh..opq". Nobody may change the directory meanwhile.

import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  writeSync,
} from "node:fs";
import { type ByteString, quoteByteString, textToByteString } from "../../../../base/byte-string.ts";
import { failedPrecondition, internal } from "../../../../base/errors.ts";
import { deviceNumbers } from "../../../../host/files/device-numbers.ts";
import { getXattr, listXattrs, openAt2, openFlags, resolveFlags } from "../../../../linux/ffi/file.ts";
import { closeDescriptor } from "../../../../linux/ffi/libc.ts";
import type { TarEntryKind } from "../../../../oci/archive/tar-entry.ts";
import { type NewTarEntry, tarEnd, tarHeader, tarPadding } from "../../../../oci/archive/tar-writer.ts";
import { descriptorPath, openDirectory } from "../unpack/lower-layers.ts";

const bufferSize = 1 << 20;
const inside = resolveFlags.beneath | resolveFlags.noSymlinks | resolveFlags.noMagicLinks;
const nanosecondsPerSecond = 1_000_000_000n;

/** Marks of the overlay's that say that an entry is not all there, and that a layer has no words for. */
const partialMarks = ["trusted.overlay.redirect", "trusted.overlay.metacopy"];
const opaqueMark = "trusted.overlay.opaque";

/** Writes the file anew, mode 0600, without the absolute paths of omit. failed-precondition when the directory has what a layer cannot say. */
export function writeDiff(
  directory: string,
  file: string,
  { signal, omit = [] }: { readonly signal: AbortSignal; readonly omit?: readonly string[] },
): void {
  const output = openSync(
    file,
    constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW,
    0o600,
  );
  try {
    const root = openDirectory(directory);
    try {
      new LayerWriter(directory, root, output).writeAll(new Set(omit.map(textToByteString)), signal);
    } finally {
      closeDescriptor(root);
    }
  } finally {
    closeSync(output);
  }
}

class LayerWriter {
  readonly #directory: Buffer;
  readonly #root: number;
  readonly #output: number;
  readonly #buffer = Buffer.allocUnsafe(bufferSize);
  /** The first name of each file that has several. */
  readonly #linked = new Map<bigint, ByteString>();

  constructor(directory: string, root: number, output: number) {
    this.#directory = Buffer.from(`${directory}/`);
    this.#root = root;
    this.#output = output;
  }

  writeAll(omit: ReadonlySet<ByteString>, signal: AbortSignal): void {
    const pending = this.#namesIn("").toReversed();
    for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
      signal.throwIfAborted();
      if (omit.has(`/${path}`)) continue;
      if (this.#writeEntry(path)) pending.push(...this.#namesIn(`${path}/`).toReversed());
    }
    this.#write(tarEnd());
  }

  /** True for a directory, whose entries come next. */
  #writeEntry(path: ByteString): boolean {
    const stats = lstatSync(this.#absolute(path), { bigint: true });
    if (stats.isSocket()) return false; // means nothing without the process that listens
    if (stats.isCharacterDevice() && stats.rdev === 0n) {
      this.#writeHeader({ ...attributes(stats), path: whiteout(path), kind: "file", mode: 0o600 });
      return false;
    }
    if (stats.isDirectory()) {
      this.#writeDirectory(path, stats);
      return true;
    }
    const first = stats.nlink > 1n ? this.#linked.get(stats.ino) : undefined;
    if (first !== undefined) {
      this.#writeHeader({ ...attributes(stats), path, kind: "hard-link", linkTarget: first });
      return false;
    }
    if (stats.nlink > 1n) this.#linked.set(stats.ino, path);
    if (stats.isFile()) this.#writeFile(path);
    else this.#writeHeader({ ...attributes(stats), path, ...this.#special(path, stats) });
    return false;
  }

  #writeDirectory(path: ByteString, stats: BigIntStats): void {
    const { xattrs, opaque } = this.#opened(path, openFlags.directory, (descriptor) => ({
      xattrs: xattrsOf(descriptor, path),
      opaque: getXattr(descriptorPath(descriptor), opaqueMark)?.toString("latin1") === "y",
    }));
    this.#writeHeader({ ...attributes(stats), path: `${path}/`, kind: "directory", xattrs });
    if (opaque) this.#writeHeader({ ...attributes(stats), path: `${path}/.wh..wh..opq`, kind: "file", mode: 0o600 });
  }

  #writeFile(path: ByteString): void {
    this.#opened(path, openFlags.readOnly, (descriptor) => {
      const stats = fstatSync(descriptor, { bigint: true });
      const size = Number(stats.size);
      this.#writeHeader({ ...attributes(stats), path, kind: "file", size, xattrs: xattrsOf(descriptor, path) });
      let left = size;
      while (left > 0) {
        const count = readSync(descriptor, this.#buffer, 0, Math.min(left, bufferSize), null);
        if (count === 0) throw internal(`${quoteByteString(path)} shrank while it was being read`);
        this.#write(this.#buffer.subarray(0, count));
        left -= count;
      }
      this.#write(tarPadding(size));
    });
  }

  #special(path: ByteString, stats: BigIntStats): Partial<NewTarEntry> & { readonly kind: TarEntryKind } {
    if (stats.isSymbolicLink()) {
      return { kind: "symlink", linkTarget: readlinkSync(this.#absolute(path), "buffer").toString("latin1") };
    }
    if (stats.isFIFO()) return { kind: "fifo" };
    const { major, minor } = deviceNumbers(Number(stats.rdev));
    return {
      kind: stats.isBlockDevice() ? "block-device" : "character-device",
      deviceMajor: major,
      deviceMinor: minor,
    };
  }

  #opened<R>(path: ByteString, flags: number, use: (descriptor: number) => R): R {
    const descriptor = openAt2(this.#root, path, { flags: flags | openFlags.noFollow, resolve: inside });
    try {
      return use(descriptor);
    } finally {
      closeDescriptor(descriptor);
    }
  }

  #namesIn(prefix: ByteString): ByteString[] {
    const names = readdirSync(this.#absolute(prefix), { encoding: "buffer" });
    return names.map((name) => `${prefix}${name.toString("latin1")}`).sort();
  }

  #absolute(path: ByteString): Buffer {
    return Buffer.concat([this.#directory, Buffer.from(path, "latin1")]);
  }

  #writeHeader(entry: NewTarEntry): void {
    this.#write(tarHeader(entry));
  }

  #write(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#output, bytes, at);
  }
}

/** "a/b" as "a/.wh.b". */
function whiteout(path: ByteString): ByteString {
  const at = path.lastIndexOf("/") + 1;
  return `${path.slice(0, at)}.wh.${path.slice(at)}`;
}

function attributes({ mode, uid, gid, mtimeNs }: BigIntStats): Partial<NewTarEntry> {
  const nanoseconds = ((mtimeNs % nanosecondsPerSecond) + nanosecondsPerSecond) % nanosecondsPerSecond;
  return {
    mode: Number(mode) & 0o7777,
    uid: Number(uid),
    gid: Number(gid),
    mtimeSeconds: Number((mtimeNs - nanoseconds) / nanosecondsPerSecond),
    mtimeNanoseconds: Number(nanoseconds),
  };
}

/** Without the overlay's own. */
function xattrsOf(descriptor: number, path: ByteString): ReadonlyMap<ByteString, Uint8Array> {
  const file = descriptorPath(descriptor);
  const xattrs = new Map<ByteString, Uint8Array>();
  for (const name of listXattrs(file)) {
    if (partialMarks.includes(name)) {
      throw failedPrecondition(
        `${quoteByteString(path)} was renamed or changed in a way that a layer cannot say (${name})`,
      );
    }
    if (name.startsWith("trusted.overlay.")) continue;
    xattrs.set(name, getXattr(file, name) ?? Buffer.alloc(0));
  }
  return xattrs;
}
