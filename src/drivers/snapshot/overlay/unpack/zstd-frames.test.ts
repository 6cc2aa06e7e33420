// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import fc from "fast-check";
import { codeOf } from "../../../../base/errors.ts";
import { ZstdFrames } from "./zstd-frames.ts";

function splitAll(stream: Buffer, cuts: readonly number[]): Buffer[] {
  const frames = new ZstdFrames();
  const pieces: Buffer[] = [];
  let start = 0;
  for (const cut of [...cuts, stream.length]) {
    for (const piece of frames.split(stream.subarray(start, cut))) pieces.push(Buffer.from(piece));
    start = cut;
  }
  frames.finish();
  return pieces;
}

const skippable = Buffer.concat([Buffer.from([0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0]), Buffer.from("abc")]);
const checksum = { params: { [constants.ZSTD_c_checksumFlag]: 1 } };
const frame = fc.oneof(
  fc.constant(skippable),
  fc.uint8Array({ maxLength: 3000 }).map((bytes) => zstdCompressSync(bytes, checksum)),
  fc.nat({ max: 400_000 }).map((length) => zstdCompressSync(Buffer.alloc(length))),
);

test("frames come out whole, wherever the stream is cut", () => {
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 4 }), fc.array(fc.nat()), (frames, cuts) => {
      const stream = Buffer.concat(frames);
      const sorted = cuts.map((cut) => cut % (stream.length + 1)).sort((left, right) => left - right);
      const kept = frames.filter((bytes) => !bytes.equals(skippable));
      const pieces = splitAll(stream, sorted);
      assert.deepEqual(Buffer.concat(pieces), Buffer.concat(kept));
      // No piece crosses an end: the ends of frames are among the ends of pieces.
      const ends = (parts: readonly Buffer[]) =>
        parts.map((_, index) => Buffer.concat(parts.slice(0, index + 1)).length);
      const pieceEnds = new Set(ends(pieces));
      for (const end of ends(kept)) assert.ok(pieceEnds.has(end));
      for (const bytes of kept) zstdDecompressSync(bytes);
    }),
    { numRuns: 60 },
  );
});

test("what is no frame, or ends inside one, is data-loss", () => {
  const whole = zstdCompressSync("hello");
  for (const stream of [
    Buffer.concat([whole, Buffer.from("junk")]),
    whole.subarray(0, -1),
    skippable.subarray(0, -1),
  ]) {
    assert.throws(
      () => splitAll(stream, []),
      (error: Error) => codeOf(error) === "data-loss",
    );
  }
});
