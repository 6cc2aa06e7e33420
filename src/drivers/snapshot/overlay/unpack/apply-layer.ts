// SPDX-License-Identifier: Apache-2.0
// Unpacks a layer's blob into an empty directory and makes it durable: read, decompress, digest, tar, files, syncfs.
// Inflating runs on a pool thread while this thread digests and writes, so the two overlap.

import { createHash } from "node:crypto";
import type { Digest } from "../../../../base/digest.ts";
import { EngineError, toEngineError } from "../../../../base/errors.ts";
import { syncFileSystem } from "../../../../linux/ffi/file.ts";
import { closeDescriptor } from "../../../../linux/ffi/libc.ts";
import { TarReader } from "../../../../oci/archive/tar-reader.ts";
import { decompressFile } from "./decompress.ts";
import { LayerUnpacker } from "./layer-unpacker.ts";
import { openDirectory } from "./lower-layers.ts";
import { measureTree, type TreeUsage } from "./measure-tree.ts";

export interface LayerApplication {
  /** The file with the compressed blob. */
  readonly blob: string;
  readonly digest: Digest;
  /** What the uncompressed bytes must be. */
  readonly diffId: Digest;
  /** The empty directory that becomes the layer. */
  readonly directory: string;
  /** The roots of the layers below, the topmost first. */
  readonly lower: readonly string[];
}

export interface ApplyLayerOptions {
  readonly signal: AbortSignal;
  readonly onProgress: (bytes: number) => void;
}

/** What was unpacked is on disk when this resolves. On failure the directory holds whatever was reached: remove it. */
export async function applyLayer(layer: LayerApplication, options: ApplyLayerOptions): Promise<TreeUsage> {
  try {
    const hash = createHash(layer.diffId.startsWith("sha512:") ? "sha512" : "sha256");
    using unpacker = new LayerUnpacker(layer.directory, layer.lower);
    const reader = new TarReader(unpacker);
    const onChunk = (chunk: Buffer) => {
      hash.update(chunk);
      reader.write(chunk);
    };
    await decompressFile(layer.blob, { ...options, onChunk });
    reader.finish();
    unpacker.finish();
    checkDiffId(layer, hash.digest("hex"));
    syncDirectory(layer.directory);
    return measureTree(layer.directory);
  } catch (error) {
    options.signal.throwIfAborted();
    throw toEngineError(error, `unpack layer ${layer.digest}`);
  }
}

/** Puts the file system that holds the directory on disk. */
export function syncDirectory(directory: string): void {
  const descriptor = openDirectory(directory);
  try {
    syncFileSystem(descriptor);
  } finally {
    closeDescriptor(descriptor);
  }
}

function checkDiffId(layer: LayerApplication, hex: string): void {
  const found = `${layer.diffId.slice(0, 7)}${hex}`;
  if (found === layer.diffId) return;
  throw new EngineError("data-loss", `its uncompressed content is ${found} and not ${layer.diffId}, as its image says`);
}
