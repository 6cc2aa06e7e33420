// SPDX-License-Identifier: Apache-2.0
// The directories of the layer that is being unpacked: resolves the parent of an archive's entry to a real directory
// inside the root, as chroot(2) would, over what is unpacked already and what the layers below show.
//
// A resolved path has no symlinks and no "..": it is opened with openat2 and RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS, so
// that even a mistake here cannot leave the root. A directory that only a lower layer has is made in this layer with
// the lower one's attributes, as an overlay does when it copies up; one that nobody has is made as root's with mode 0755.

import { lstatSync, readlinkSync, type Stats } from "node:fs";
import { type ByteString, quoteByteString } from "../../../../base/byte-string.ts";
import { invalidArgument } from "../../../../base/errors.ts";
import { hasErrno } from "../../../../host/files/errno.ts";
import {
  makeDirectoryAt,
  openAt2,
  openFlags,
  resolveFlags,
  setDescriptorXattr,
  setModeAt,
  unlinkAt,
} from "../../../../linux/ffi/file.ts";
import { closeDescriptor } from "../../../../linux/ffi/libc.ts";
import { copyAttributes } from "./copy-up.ts";
import { descriptorPath, isWhiteout, type LowerLayers } from "./lower-layers.ts";

const maximumCached = 128;
/** As many symlinks as the kernel follows in one path. */
const maximumSymlinks = 40;
const insideOnly = resolveFlags.beneath | resolveFlags.noSymlinks | resolveFlags.noMagicLinks;

/** An open directory of the layer. The descriptor stays the cache's and lives until forgetStale. */
export interface LayerDirectory {
  /** Relative to the root, "" for the root itself. */
  readonly path: ByteString;
  readonly descriptor: number;
}

export type FoundKind =
  | { readonly kind: "directory" | "other" | "absent" }
  | { readonly kind: "symlink"; readonly target: ByteString };

export class LayerDirectories implements Disposable {
  readonly #root: number;
  readonly #lower: LowerLayers;
  /** By the parent path as the archive has it; the least recently used is first. */
  readonly #cache = new Map<ByteString, LayerDirectory>();
  /** The symlinks that cached resolutions went through. */
  readonly #symlinks = new Set<ByteString>();
  /** Directories of this layer that hide what is below. */
  readonly #opaque = new Set<ByteString>();
  #isStale = false;

  /** root: a descriptor of the layer's root; stays the caller's. */
  constructor(root: number, lower: LowerLayers) {
    this.#root = root;
    this.#lower = lower;
  }

  /** The directory that these components lead to, made where it is missing (unless create is false: undefined). */
  open(components: readonly ByteString[], create: boolean): LayerDirectory | undefined {
    const key = components.join("/");
    const cached = this.#cache.get(key);
    if (cached !== undefined) {
      this.#cache.delete(key);
      this.#cache.set(key, cached);
      return cached;
    }
    const opened = this.#tryOpen(key) ?? this.#walk(components, create);
    if (opened !== undefined) this.#remember(key, opened);
    return opened;
  }

  /** Must be told of each name that now is something else; what was resolved through it becomes stale. */
  changed(path: ByteString, wasDirectoryOrSymlink: boolean): void {
    if (wasDirectoryOrSymlink || this.#symlinks.has(path)) this.#isStale = true;
  }

  /** Closes what is stale; directories that were opened before must not be used any more. */
  forgetStale(): void {
    if (this.#isStale) this.#forgetAll();
    this.#isStale = false;
  }

  /** Hides what lower layers have in this directory. */
  makeOpaque(directory: LayerDirectory): void {
    if (this.#lower.isEmpty || this.#opaque.has(directory.path)) return;
    this.#opaque.add(directory.path);
    setDescriptorXattr(directory.descriptor, "trusted.overlay.opaque", Buffer.from("y"));
  }

  /** Opens a directory of this layer by its real path, for the caller to close; undefined when there is none. */
  openReal(path: ByteString): LayerDirectory | undefined {
    return this.#tryOpen(path);
  }

  /** Where a lower layer has this path, if nothing in this layer hides it. */
  findLower(path: ByteString) {
    if (this.#lower.isEmpty || this.#isUnderOpaque(path)) return undefined;
    return this.#lower.find(path);
  }

  [Symbol.dispose](): void {
    this.#forgetAll();
  }

  #tryOpen(path: ByteString): LayerDirectory | undefined {
    try {
      const flags = openFlags.directory | openFlags.noFollow;
      const descriptor = openAt2(this.#root, path === "" ? "." : path, { flags, resolve: insideOnly });
      return { path, descriptor };
    } catch (error) {
      if (hasErrno(error, "ENOENT", "ENOTDIR", "ELOOP")) return undefined;
      throw error;
    }
  }

  #walk(components: readonly ByteString[], create: boolean): LayerDirectory | undefined {
    const rest = [...components].reverse();
    let symlinks = 0;
    let real = "";
    for (let component = rest.pop(); component !== undefined; component = rest.pop()) {
      if (component === "" || component === ".") continue;
      if (component === "..") {
        real = parentOf(real);
        continue;
      }
      const next = real === "" ? component : `${real}/${component}`;
      const found = this.#find(next);
      if (found.kind === "symlink") {
        if (++symlinks > maximumSymlinks) throw invalidArgument(`${quoteByteString(next)} is a loop of symlinks`);
        this.#symlinks.add(next);
        if (found.target.startsWith("/")) real = "";
        rest.push(...found.target.split("/").reverse());
        continue;
      }
      if (found.kind === "other") throw invalidArgument(`${quoteByteString(next)} is not a directory`);
      if (found.kind === "absent" && !create) return undefined;
      this.#ensure(next);
      real = next;
    }
    return this.#tryOpen(real);
  }

  /** What is at the path: in this layer, or shown through it. */
  #find(path: ByteString): FoundKind {
    const upper = Buffer.from(`${descriptorPath(this.#root)}/${path}`, "latin1");
    const stats = lstatSync(upper, { throwIfNoEntry: false });
    if (stats !== undefined) {
      if (isWhiteout(stats)) return { kind: "absent" };
      return kindOf(stats, upper);
    }
    const lower = this.findLower(path);
    return lower === undefined ? { kind: "absent" } : kindOf(lower.stats, Buffer.from(lower.path, "latin1"));
  }

  /** Makes the directory in this layer if it is not there; its parent is. */
  #ensure(path: ByteString): void {
    const existing = this.#tryOpen(path);
    if (existing !== undefined) return closeDescriptor(existing.descriptor);
    const parent = this.#tryOpen(parentOf(path));
    if (parent === undefined) throw invalidArgument(`the parent of ${quoteByteString(path)} is not a directory`);
    try {
      const lower = this.findLower(path);
      const name = path.slice(path.lastIndexOf("/") + 1);
      const wasWhiteout = this.#removeWhiteout(parent, name);
      makeDirectoryAt(parent.descriptor, name, 0o755);
      if (lower !== undefined && !wasWhiteout) copyAttributes(lower, parent.descriptor, name);
      else setModeAt(parent.descriptor, name, 0o755); // whatever the umask is
      if (wasWhiteout) this.#makeOpaqueAt(path);
    } finally {
      closeDescriptor(parent.descriptor);
    }
  }

  #removeWhiteout(parent: LayerDirectory, name: ByteString): boolean {
    const path = Buffer.from(`${descriptorPath(parent.descriptor)}/${name}`, "latin1");
    if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return false;
    unlinkAt(parent.descriptor, name); // #find answered "absent" for it: it is a whiteout
    return true;
  }

  #makeOpaqueAt(path: ByteString): void {
    const directory = this.#tryOpen(path);
    if (directory === undefined) return;
    try {
      this.makeOpaque(directory);
    } finally {
      closeDescriptor(directory.descriptor);
    }
  }

  #isUnderOpaque(path: ByteString): boolean {
    if (this.#opaque.size === 0) return false;
    if (this.#opaque.has("")) return true;
    for (let parent = parentOf(path); parent !== ""; parent = parentOf(parent)) {
      if (this.#opaque.has(parent)) return true;
    }
    return false;
  }

  #remember(key: ByteString, directory: LayerDirectory): void {
    const [oldest] = this.#cache;
    if (oldest !== undefined && this.#cache.size >= maximumCached) {
      this.#cache.delete(oldest[0]);
      closeDescriptor(oldest[1].descriptor);
    }
    this.#cache.set(key, directory);
  }

  #forgetAll(): void {
    for (const { descriptor } of this.#cache.values()) closeDescriptor(descriptor);
    this.#cache.clear();
    this.#symlinks.clear();
  }
}

function parentOf(path: ByteString): ByteString {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? "" : path.slice(0, slash);
}

function kindOf(stats: Stats, path: Buffer): FoundKind {
  if (stats.isDirectory()) return { kind: "directory" };
  if (!stats.isSymbolicLink()) return { kind: "other" };
  return { kind: "symlink", target: readlinkSync(path, { encoding: "buffer" }).toString("latin1") };
}
