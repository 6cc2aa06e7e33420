// SPDX-License-Identifier: Apache-2.0
// Archives that come as a stream: uncompressed if they are gzip or zstd, and read entry by entry while they arrive.

import { Readable } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { EngineError, isEngineError, messageOf } from "../../base/errors.ts";
import type { TarEntry } from "../../oci/archive/tar-entry.ts";
import { TarReader } from "../../oci/archive/tar-reader.ts";

/** The uncompressed bytes of a stream, by its first bytes; data-loss when it is damaged. */
export async function* decompressed(
  source: AsyncIterable<Uint8Array>,
  { signal }: { readonly signal: AbortSignal },
): AsyncGenerator<Buffer> {
  const iterator = source[Symbol.asyncIterator]();
  try {
    const { start, isEnded } = await readStart(iterator);
    const rest = { [Symbol.asyncIterator]: () => (isEnded ? emptyIterator() : iterator) };
    const whole = joined(start, rest);
    const decompressor = decompressorFor(start);
    if (decompressor === undefined) {
      for await (const chunk of whole) {
        signal.throwIfAborted();
        yield chunk;
      }
      return;
    }
    const input = Readable.from(whole, { signal });
    input.on("error", (error) => decompressor.destroy(error));
    for await (const chunk of input.pipe(decompressor)) yield chunk as Buffer;
  } catch (error) {
    signal.throwIfAborted();
    const { code } = error as { readonly code?: unknown };
    if (isEngineError(error) || typeof code !== "string" || !/^(Z_|ZSTD_)/.test(code)) throw error;
    throw new EngineError("data-loss", `the archive's compression is damaged: ${messageOf(error)}`, { cause: error });
  } finally {
    await iterator.return?.();
  }
}

/** One step of reading an archive: an entry begins, or bytes of its file come, or it is complete. */
export type ArchiveStep =
  | { readonly step: "entry"; readonly entry: TarEntry }
  /** The bytes stay as they are until the next step is asked for. */
  | { readonly step: "data"; readonly bytes: Buffer }
  | { readonly step: "end" };

/** Reads a tar stream; sparse files are refused, as no image archive has them. */
export async function* archiveSteps(chunks: AsyncIterable<Buffer>): AsyncGenerator<ArchiveStep> {
  let steps: ArchiveStep[] = [];
  const reader = new TarReader({
    entry: (entry) => {
      if (entry.extents !== undefined) throw new EngineError("invalid-argument", "the archive has sparse files");
      steps.push({ step: "entry", entry });
    },
    data: (bytes) => steps.push({ step: "data", bytes }),
    end: () => steps.push({ step: "end" }),
  });
  for await (const chunk of chunks) {
    reader.write(chunk);
    yield* steps;
    steps = [];
  }
  reader.finish();
}

function decompressorFor(start: Buffer) {
  if (start.length >= 2 && start.readUInt16BE() === 0x1f8b) return createGunzip();
  if (start.length >= 4 && start.readUInt32LE() === 0xfd2fb528) return createZstdDecompress();
  return undefined;
}

async function readStart(iterator: AsyncIterator<Uint8Array>): Promise<{ start: Buffer; isEnded: boolean }> {
  let start = Buffer.alloc(0);
  while (start.length < 4) {
    const next = await iterator.next();
    if (next.done === true) return { start, isEnded: true };
    start = Buffer.concat([start, next.value]);
  }
  return { start, isEnded: false };
}

async function* joined(start: Buffer, rest: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  if (start.length > 0) yield start;
  for await (const chunk of rest) yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}

async function* emptyIterator(): AsyncGenerator<Uint8Array> {}
