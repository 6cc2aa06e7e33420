// SPDX-License-Identifier: Apache-2.0
// The uncompressed bytes of a layer's blob: gzip, zstd or neither, by its first bytes and not by its media type, since
// real images mislabel them and the digest of the result is checked anyway. gzip may have several members; anything but
// zeros after the last one is refused, as Go's reader does. zstd may need a window of 128 MiB at most (its own default).

import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { constants, createGunzip, createZstdDecompress } from "node:zlib";
import { EngineError, hasCode, messageOf } from "../../../../base/errors.ts";
import { ZstdFrames } from "./zstd-frames.ts";

const readSize = 1 << 20;
const chunkSize = 1 << 18;
const maximumWindowLog = 27;

export interface DecompressOptions {
  readonly signal: AbortSignal;
  /** Bytes of the blob read so far. */
  readonly onProgress: (bytes: number) => void;
  /** The next uncompressed bytes. */
  readonly onChunk: (chunk: Buffer) => void;
}

/** Reads the whole file; data-loss when the compressed stream is damaged. */
export async function decompressFile(path: string, options: DecompressOptions): Promise<void> {
  const compression = await detectCompression(path);
  const source = readBlob(path, options.onProgress);
  const sink = async (chunks: AsyncIterable<Buffer>) => {
    for await (const chunk of chunks) options.onChunk(chunk);
  };
  const { signal } = options;
  try {
    if (compression === "none") await pipeline(source, sink, { signal });
    else if (compression === "gzip") {
      await pipeline(source, createGunzip({ chunkSize, readableHighWaterMark: 4 * chunkSize } as object), sink, {
        signal,
      });
    } else {
      const params = { [constants.ZSTD_d_windowLogMax]: maximumWindowLog };
      await pipeline(source, splitFrames, createZstdDecompress({ chunkSize, params }), sink, { signal });
    }
  } catch (error) {
    signal.throwIfAborted();
    const { code } = error as { readonly code?: unknown };
    if (typeof code !== "string" || !/^(Z_|ZSTD_)/.test(code) || hasCode(error, "data-loss")) throw error;
    throw new EngineError("data-loss", `damaged ${compression} stream: ${messageOf(error)}`, { cause: error });
  }
}

async function* readBlob(path: string, onProgress: (bytes: number) => void): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: readSize })) {
    onProgress((bytes += (chunk as Buffer).length));
    yield chunk as Buffer;
  }
}

async function* splitFrames(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const frames = new ZstdFrames();
  for await (const chunk of source) yield* frames.split(chunk);
  frames.finish();
}

async function detectCompression(path: string): Promise<"gzip" | "zstd" | "none"> {
  await using file = await open(path, "r");
  const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
  if (bytesRead >= 2 && buffer.readUInt16BE() === 0x1f8b) return "gzip";
  if (bytesRead < 4) return "none";
  const magic = buffer.readUInt32LE();
  return magic === 0xfd2fb528 || (magic & 0xfffffff0) === 0x184d2a50 ? "zstd" : "none";
}
