// SPDX-License-Identifier: Apache-2.0
// What the layers below show at a path, as the overlay file system would show it: the topmost one that knows the path
// answers, whiteouts and opaque directories hide what is deeper. Nothing is mounted for it. The paths asked for contain
// no symlinks (the caller resolves them), so a symlink or file on the way means that the path is hidden.

import { fstatSync, lstatSync, readdirSync, type Stats } from "node:fs";
import type { ByteString } from "../../../../base/byte-string.ts";
import { getXattr, openAt2, openFlags, resolveFlags } from "../../../../linux/ffi/file.ts";
import { closeDescriptor } from "../../../../linux/ffi/libc.ts";

const currentDirectory = -100; // AT_FDCWD

/** Something in a lower layer. */
export interface LowerEntry {
  readonly stats: Stats;
  /** An absolute path that leads to it without symlinks on the way. */
  readonly path: ByteString;
}

/** Whether it is the overlay's mark for "removed": a character device 0:0. */
export function isWhiteout(stats: Stats): boolean {
  return stats.isCharacterDevice() && stats.rdev === 0;
}

export class LowerLayers implements Disposable {
  readonly #directories: readonly string[];
  readonly #descriptors: readonly number[];

  /** directories: the layers' roots, the topmost first. */
  constructor(directories: readonly string[]) {
    const descriptors: number[] = [];
    try {
      for (const directory of directories) descriptors.push(openDirectory(directory));
    } catch (error) {
      descriptors.forEach(closeDescriptor);
      throw error;
    }
    this.#directories = directories;
    this.#descriptors = descriptors;
  }

  get isEmpty(): boolean {
    return this.#directories.length === 0;
  }

  /** undefined when no layer has it, or one that is above hides it. */
  find(path: ByteString): LowerEntry | undefined {
    for (const [index, descriptor] of this.#descriptors.entries()) {
      const found = this.#findIn(descriptor, path);
      if (found === "hidden") return undefined;
      if (found === undefined) continue;
      const directory = Buffer.from(this.#directories[index] ?? "").toString("latin1");
      return isWhiteout(found) ? undefined : { stats: found, path: `${directory}/${path}` };
    }
    return undefined;
  }

  /** The names that a directory has in any of the layers and that none above hides. */
  names(path: ByteString): readonly ByteString[] {
    const names = new Set<ByteString>();
    for (const layer of this.#descriptors) {
      const found = withOpened(layer, path, (descriptor) => namesIn(descriptor));
      if (typeof found !== "string") for (const name of found) names.add(name);
    }
    return [...names].filter((name) => this.find(`${path}/${name}`) !== undefined);
  }

  [Symbol.dispose](): void {
    this.#descriptors.forEach(closeDescriptor);
  }

  #findIn(layer: number, path: ByteString): Stats | "hidden" | undefined {
    const found = withOpened(layer, path, () => lstatSync(Buffer.from(`${descriptorPath(layer)}/${path}`, "latin1")));
    if (typeof found !== "string") return found;
    if (found !== "ENOENT") return "hidden";
    return this.#isOpaqueAbove(layer, path) ? "hidden" : undefined;
  }

  #isOpaqueAbove(layer: number, path: ByteString): boolean {
    for (let slash = path.indexOf("/"); slash > 0; slash = path.indexOf("/", slash + 1)) {
      const opaque = withOpened(layer, path.slice(0, slash), (descriptor) => isOpaque(descriptor));
      if (opaque === true) return true;
      if (opaque !== false) return false;
    }
    return false;
  }
}

/** None for what is no directory. */
function namesIn(descriptor: number): readonly ByteString[] {
  if (!fstatSync(descriptor).isDirectory()) return [];
  return readdirSync(descriptorPath(descriptor), { encoding: "buffer" }).map((name) => name.toString("latin1"));
}

function isOpaque(descriptor: number): boolean {
  return getXattr(descriptorPath(descriptor), "trusted.overlay.opaque")?.toString("latin1") === "y";
}

/** Opens a directory of ours by its path. */
export function openDirectory(path: string): number {
  return openAt2(currentDirectory, Buffer.from(path).toString("latin1"), { flags: openFlags.directory, resolve: 0 });
}

/** The path through which calls that take no descriptor reach the very file. */
export function descriptorPath(descriptor: number): string {
  return `/proc/self/fd/${descriptor}`;
}

/** The function's result, or the errno's name for a path that is not there or that something hides. */
function withOpened<R>(layer: number, path: ByteString, use: (descriptor: number) => R): R | string {
  let descriptor: number;
  try {
    const flags = openFlags.path | openFlags.noFollow;
    descriptor = openAt2(layer, path, { flags, resolve: resolveFlags.beneath | resolveFlags.noSymlinks });
  } catch (error) {
    const { code } = error as { readonly code?: string };
    if (code === "ENOENT" || code === "ENOTDIR" || code === "ELOOP") return code;
    throw error;
  }
  try {
    return use(descriptor);
  } finally {
    closeDescriptor(descriptor);
  }
}
