// SPDX-License-Identifier: Apache-2.0
// Reads files in large pieces.

import { type FileHandle, open } from "node:fs/promises";

const pieceBytes = 1024 * 1024;

/** The bytes of an open file from offset to its end; each piece is the consumer's to keep. */
export async function* readPieces(
  handle: FileHandle,
  { offset, signal }: { readonly offset: number; readonly signal: AbortSignal },
): AsyncGenerator<Uint8Array> {
  for (let position = offset; ; ) {
    signal.throwIfAborted();
    const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafeSlow(pieceBytes), 0, pieceBytes, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/** The same of a file by its path, which is closed when the reader stops. */
export async function* readFilePieces(
  file: string,
  options: { readonly offset: number; readonly signal: AbortSignal },
): AsyncGenerator<Uint8Array> {
  await using handle = await open(file);
  yield* readPieces(handle, options);
}
