// SPDX-License-Identifier: Apache-2.0
// Applies the entries of a layer's tar (image-spec layer.md) to an empty directory that will be one layer of an overlay.
//
// - Names are cleaned lexically ("a/../b" is "b", what leads above the root stays at the root) and their parents then
//   resolved inside the root (directories.ts); the last component is never followed.
// - A whiteout ".wh.name" becomes the overlay's character device 0:0, ".wh..wh..opq" its opaque mark. Both hide lower
//   layers only, never an entry of the same layer, whatever their order. Other ".wh..wh." names are aufs's and ignored.
// - An entry replaces what the layer has at its name, except that a directory over a directory only sets its attributes.
// - An entry for the root itself is ignored: a root file system packed in a private directory must stay accessible.
// - Modification times outside 1970 to 2262 become 1970, as no file system agrees on them.

import { ftruncateSync, lstatSync, type Stats, writeSync } from "node:fs";
import { type ByteString, quoteByteString } from "../../../../base/byte-string.ts";
import { codeOf, EngineError, invalidArgument, isEngineError, messageOf } from "../../../../base/errors.ts";
import { hasErrno } from "../../../../host/files/errno.ts";
import * as file from "../../../../linux/ffi/file.ts";
import { closeDescriptor } from "../../../../linux/ffi/libc.ts";
import type { TarEntry } from "../../../../oci/archive/tar-entry.ts";
import type { TarVisitor } from "../../../../oci/archive/tar-reader.ts";
import { copyUp, isKeptXattr } from "./copy-up.ts";
import { LayerDirectories, type LayerDirectory } from "./directories.ts";
import { descriptorPath, isWhiteout, LowerLayers, openDirectory } from "./lower-layers.ts";
import { removeTree } from "./remove-tree.ts";

const maximumId = 2 ** 32 - 2;
const maximumMtimeSeconds = 9_223_372_036;
const whiteoutPrefix = ".wh.";
const aufsPrefix = ".wh..wh.";
const opaqueMark = ".wh..wh..opq";
const nodeTypes = { "character-device": 0o020000, "block-device": 0o060000, fifo: 0o010000 } as const;

interface OpenFile {
  readonly entry: TarEntry;
  readonly descriptor: number;
}

/** A TarVisitor that writes to the disk. finish() after the last entry; disposing closes what is open. */
export class LayerUnpacker implements TarVisitor, Disposable {
  readonly #root: number;
  readonly #lower: LowerLayers;
  readonly #directories: LayerDirectories;
  readonly #directoryTimes = new Map<ByteString, file.FileTime>();
  #file: OpenFile | undefined;

  /** root: an existing, empty directory; lower: the roots of the layers below, the topmost first. */
  constructor(root: string, lower: readonly string[]) {
    this.#lower = new LowerLayers(lower);
    this.#root = openDirectory(root);
    this.#directories = new LayerDirectories(this.#root, this.#lower);
  }

  entry(entry: TarEntry): void {
    try {
      this.#apply(entry);
    } catch (error) {
      throw entryError(entry, error);
    }
  }

  data(bytes: Buffer, offset: number): void {
    if (this.#file === undefined) return;
    try {
      for (let written = 0; written < bytes.length; ) {
        written += writeSync(this.#file.descriptor, bytes, written, bytes.length - written, offset + written);
      }
    } catch (error) {
      throw entryError(this.#file.entry, error);
    }
  }

  end(): void {
    const open = this.#file;
    if (open === undefined) return;
    this.#file = undefined;
    try {
      const { entry, descriptor } = open;
      if (entry.uid !== 0 || entry.gid !== 0) file.setOwner(descriptor, entry.uid, entry.gid);
      setXattrs(entry, (name, value) => file.setDescriptorXattr(descriptor, name, value));
      file.setMode(descriptor, entry.mode);
      file.setTimes(descriptor, timeOf(entry));
    } catch (error) {
      throw entryError(open.entry, error);
    } finally {
      closeDescriptor(open.descriptor);
    }
  }

  /** Sets the directories' times, now that nothing is written into them any more. */
  finish(): void {
    for (const [path, time] of this.#directoryTimes) {
      const directory = this.#directories.openReal(path);
      if (directory === undefined) continue; // a later entry replaced it
      try {
        file.setTimes(directory.descriptor, time);
      } finally {
        closeDescriptor(directory.descriptor);
      }
    }
  }

  [Symbol.dispose](): void {
    if (this.#file !== undefined) closeDescriptor(this.#file.descriptor);
    this.#file = undefined;
    this.#directories[Symbol.dispose]();
    this.#lower[Symbol.dispose]();
    closeDescriptor(this.#root);
  }

  #apply(entry: TarEntry): void {
    const components = cleanPath(entry.path);
    const name = components.pop();
    if (name === undefined) {
      if (entry.kind === "directory") return;
      throw invalidArgument("the root of an image must be a directory");
    }
    if (components.some((component) => component.startsWith(aufsPrefix))) return;
    if (components.some((component) => component.startsWith(whiteoutPrefix))) {
      throw invalidArgument("a whiteout cannot be a directory");
    }
    if (name.startsWith(aufsPrefix) && name !== opaqueMark) return;
    checkNumbers(entry);
    this.#directories.forgetStale();
    const parent = this.#directories.open(components, true);
    if (parent === undefined) throw invalidArgument("its parent is not a directory");
    if (name === opaqueMark) this.#directories.makeOpaque(parent);
    else if (name.startsWith(whiteoutPrefix)) this.#whiteOut(parent, name.slice(whiteoutPrefix.length));
    else this.#create(entry, parent, name);
  }

  #whiteOut(parent: LayerDirectory, name: ByteString): void {
    if (name === "" || name === "." || name === "..") {
      throw invalidArgument(`a whiteout of ${quoteByteString(name)} would remove a directory that must stay`);
    }
    if (this.#lower.isEmpty) return; // there is nothing to hide
    const existing = statAt(parent, name);
    const path = join(parent.path, name);
    if (existing === undefined) {
      file.makeNodeAt(parent.descriptor, name, { mode: 0o020000, device: 0n });
      this.#directories.changed(path, false);
    } else if (existing.isDirectory()) {
      this.#makeOpaque(path);
    }
  }

  #create(entry: TarEntry, parent: LayerDirectory, name: ByteString): void {
    switch (entry.kind) {
      case "file":
        return this.#createFile(entry, parent, name);
      case "directory":
        return this.#createDirectory(entry, parent, name);
      case "hard-link":
        return this.#createHardLink(entry, parent, name);
      case "symlink":
        this.#replacing(parent, name, () => file.symlinkAt(entry.linkTarget, parent.descriptor, name));
        return this.#setAttributes(entry, parent, name);
      case "character-device":
      case "block-device":
      case "fifo": {
        const isFifo = entry.kind === "fifo";
        const device = isFifo ? 0n : file.deviceNumber(entry.deviceMajor, entry.deviceMinor);
        // The overlay takes this device for its whiteout, so that is what it is.
        if (entry.kind === "character-device" && device === 0n) return this.#whiteOut(parent, name);
        const mode = nodeTypes[entry.kind];
        this.#replacing(parent, name, () => file.makeNodeAt(parent.descriptor, name, { mode, device }));
        return this.#setAttributes(entry, parent, name);
      }
    }
  }

  #createFile(entry: TarEntry, parent: LayerDirectory, name: ByteString): void {
    const { writeOnly, create, exclusive, noFollow } = file.openFlags;
    const how = {
      flags: writeOnly | create | exclusive | noFollow,
      mode: 0o600,
      resolve: file.resolveFlags.beneath | file.resolveFlags.noSymlinks,
    };
    const descriptor = this.#replacing(parent, name, () => file.openAt2(parent.descriptor, name, how));
    this.#file = { entry, descriptor };
    if (entry.extents !== undefined && entry.size > 0) ftruncateSync(descriptor, entry.size);
  }

  #createDirectory(entry: TarEntry, parent: LayerDirectory, name: ByteString): void {
    const path = join(parent.path, name);
    const existing = statAt(parent, name);
    if (existing?.isDirectory() !== true) {
      this.#replacing(parent, name, () => file.makeDirectoryAt(parent.descriptor, name, 0o700));
      // What stood here hid the lower layers' directory of this name, and so must its successor.
      if (existing !== undefined) this.#makeOpaque(path);
    }
    file.setOwnerAt(parent.descriptor, name, entry.uid, entry.gid);
    const own = `${descriptorPath(parent.descriptor)}/${name}`;
    setXattrs(entry, (attribute, value) => file.setXattr(own, attribute, value));
    file.setModeAt(parent.descriptor, name, entry.mode);
    this.#directoryTimes.set(path, timeOf(entry));
  }

  #createHardLink(entry: TarEntry, parent: LayerDirectory, name: ByteString): void {
    const components = cleanPath(entry.linkTarget);
    const targetName = components.pop();
    const missing = () => invalidArgument(`its target ${quoteByteString(entry.linkTarget)} is not in the image`);
    if (targetName === undefined) throw missing();
    const target = this.#directories.open(components, false);
    if (target === undefined) throw missing();
    const existing = statAt(target, targetName);
    const targetPath = join(target.path, targetName);
    if (existing === undefined) {
      const lower = this.#directories.findLower(targetPath);
      if (lower === undefined) throw missing();
      if (!lower.stats.isDirectory()) copyUp(lower, target.descriptor, targetName);
      else throw invalidArgument(`its target ${quoteByteString(entry.linkTarget)} is a directory`);
    } else if (isWhiteout(existing)) {
      throw missing();
    } else if (existing.isDirectory()) {
      throw invalidArgument(`its target ${quoteByteString(entry.linkTarget)} is a directory`);
    }
    if (targetPath === join(parent.path, name)) return;
    this.#replacing(parent, name, () => file.linkAt(target.descriptor, targetName, parent.descriptor, name));
  }

  /** Runs the making of a name; when something is there already, removes that and makes it again. */
  #replacing<R>(parent: LayerDirectory, name: ByteString, make: () => R): R {
    let wasOnTheWay = false;
    try {
      return make();
    } catch (error) {
      if (!hasErrno(error, "EEXIST")) throw error;
      const existing = statAt(parent, name);
      wasOnTheWay = existing?.isDirectory() === true || existing?.isSymbolicLink() === true;
      removeTree(parent.descriptor, name);
      return make();
    } finally {
      this.#directories.changed(join(parent.path, name), wasOnTheWay);
    }
  }

  #makeOpaque(path: ByteString): void {
    const directory = this.#directories.openReal(path);
    if (directory === undefined) return;
    try {
      this.#directories.makeOpaque(directory);
    } finally {
      closeDescriptor(directory.descriptor);
    }
  }

  /** Owner, xattrs, mode and time of what is neither file nor directory. */
  #setAttributes(entry: TarEntry, parent: LayerDirectory, name: ByteString): void {
    file.setOwnerAt(parent.descriptor, name, entry.uid, entry.gid);
    const own = `${descriptorPath(parent.descriptor)}/${name}`;
    setXattrs(entry, (attribute, value) => {
      // The kernel has no user.* attributes on these kinds.
      if (!attribute.startsWith("user.")) file.setXattr(own, attribute, value);
    });
    if (entry.kind !== "symlink") file.setModeAt(parent.descriptor, name, entry.mode);
    file.setTimesAt(parent.descriptor, name, timeOf(entry));
  }
}

/** The components of a name without ".", ".." and empty ones; what leads above the root stays at the root. */
export function cleanPath(path: ByteString): ByteString[] {
  const components: ByteString[] = [];
  for (const component of path.split("/")) {
    if (component === "..") components.pop();
    else if (component !== "" && component !== ".") components.push(component);
  }
  return components;
}

function join(directory: ByteString, name: ByteString): ByteString {
  return directory === "" ? name : `${directory}/${name}`;
}

function statAt(directory: LayerDirectory, name: ByteString): Stats | undefined {
  const path = Buffer.from(`${descriptorPath(directory.descriptor)}/${name}`, "latin1");
  return lstatSync(path, { throwIfNoEntry: false });
}

function checkNumbers(entry: TarEntry): void {
  for (const [what, value] of [["user", entry.uid] as const, ["group", entry.gid] as const]) {
    if (value < 0 || value > maximumId)
      throw invalidArgument(`the ${what} id ${value} is not between 0 and ${maximumId}`);
  }
  const { deviceMajor, deviceMinor } = entry;
  if (deviceMajor < 0 || deviceMajor > 0xfff || deviceMinor < 0 || deviceMinor > 0xfffff) {
    throw invalidArgument(`Linux has no device ${deviceMajor}:${deviceMinor}`);
  }
}

function setXattrs(entry: TarEntry, set: (name: ByteString, value: Uint8Array) => void): void {
  for (const [name, value] of entry.xattrs) {
    if (!isKeptXattr(name)) continue;
    try {
      set(name, value);
    } catch (error) {
      // A file system without such attributes: the file is still better than no image, as containerd decides too.
      if (!hasErrno(error, "ENOTSUP")) throw error;
    }
  }
}

function timeOf(entry: TarEntry): file.FileTime {
  const { mtimeSeconds, mtimeNanoseconds } = entry;
  if (mtimeSeconds < 0 || mtimeSeconds > maximumMtimeSeconds) return { seconds: 0, nanoseconds: 0 };
  return { seconds: mtimeSeconds, nanoseconds: mtimeNanoseconds };
}

/** Errors that say that the name itself is impossible, which is the archive's fault. */
const badNameErrors: ReadonlySet<unknown> = new Set(["ENAMETOOLONG", "ENOTDIR", "ELOOP", "EINVAL", "ENOENT", "EXDEV"]);

function entryError(entry: TarEntry, error: unknown): EngineError {
  const { code } = error as { readonly code?: unknown };
  const context = `entry ${quoteByteString(entry.path)}`;
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new EngineError("resource-exhausted", `${context}: no space left on device`, { cause: error });
  }
  const engineCode = !isEngineError(error) && badNameErrors.has(code) ? "invalid-argument" : codeOf(error);
  return new EngineError(engineCode, `${context}: ${messageOf(error)}`, { cause: error });
}
