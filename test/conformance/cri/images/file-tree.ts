// SPDX-License-Identifier: Apache-2.0
// The file system of an image as entries, and as the layer that they make: the same entries always give the same bytes.

import { readFile, readlink } from "node:fs/promises";
import path from "node:path";
import { tarEnd, tarHeader, tarPadding } from "../../../../src/oci/archive/tar-writer.ts";

type Entry =
  | { readonly kind: "directory"; readonly mode: number }
  | { readonly kind: "file"; readonly mode: number; readonly data: Buffer }
  | { readonly kind: "symlink"; readonly target: string }
  | { readonly kind: "hard-link"; readonly mode: number; readonly target: string };

export class FileTree {
  readonly #entries: ReadonlyMap<string, Entry>;

  constructor(entries: ReadonlyMap<string, Entry> = new Map()) {
    this.#entries = entries;
  }

  directory(name: string, mode = 0o755): FileTree {
    return this.#with(name, { kind: "directory", mode });
  }

  file(name: string, data: string | Buffer, mode = 0o644): FileTree {
    return this.#with(name, { kind: "file", mode, data: Buffer.from(data) });
  }

  symlink(name: string, target: string): FileTree {
    return this.#with(name, { kind: "symlink", target });
  }

  /** A further name of a file, whose mode must be repeated: there are engines that set it again for each name. */
  hardLink(name: string, target: string, mode = 0o644): FileTree {
    return this.#with(name, { kind: "hard-link", mode, target });
  }

  /** Everything of the other one, over what is here. */
  merge(other: FileTree): FileTree {
    return new FileTree(new Map([...this.#entries, ...other.#entries]));
  }

  /** An uncompressed tar archive; all of it is root's, from 1970. */
  layer(): Buffer {
    // A hard link comes after its file.
    const names = [...this.#entries.keys()].sort();
    const isLink = (name: string) => this.#entries.get(name)?.kind === "hard-link";
    const ordered = [...names.filter((name) => !isLink(name)), ...names.filter(isLink)];
    return Buffer.concat([...ordered.flatMap((name) => this.#parts(name)), tarEnd()]);
  }

  #parts(name: string): readonly Buffer[] {
    const entry = this.#entries.get(name);
    switch (entry?.kind) {
      case undefined:
        return [];
      case "directory":
        return [tarHeader({ path: `${name}/`, kind: "directory", mode: entry.mode })];
      case "file": {
        const { length: size } = entry.data;
        return [tarHeader({ path: name, kind: "file", mode: entry.mode, size }), entry.data, tarPadding(size)];
      }
      case "symlink":
        return [tarHeader({ path: name, kind: "symlink", mode: 0o777, linkTarget: entry.target })];
      case "hard-link":
        return [tarHeader({ path: name, kind: "hard-link", mode: entry.mode, linkTarget: entry.target })];
    }
  }

  /** With the directories above it that nobody mentioned. */
  #with(name: string, entry: Entry): FileTree {
    const entries = new Map(this.#entries);
    for (let above = path.dirname(name); above !== "."; above = path.dirname(above)) {
      if (!entries.has(above)) entries.set(above, { kind: "directory", mode: 0o755 });
    }
    entries.set(name, entry);
    return new FileTree(entries);
  }
}

/** Files and symlinks of a directory under the same names. */
export async function treeOf(directory: string, files: readonly string[]): Promise<FileTree> {
  let tree = new FileTree();
  for (const name of files) {
    const source = path.join(directory, name);
    const target = await linkTarget(source);
    tree = target === undefined ? tree.file(name, await readFile(source), 0o755) : tree.symlink(name, target);
  }
  return tree;
}

async function linkTarget(file: string): Promise<string | undefined> {
  try {
    return await readlink(file);
  } catch {
    return undefined; // no symlink
  }
}
