// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { encodeFrame, type Frame, FrameDecoder, frameType } from "./frame.ts";

const limit = 64;

const frames = fc.array(
  fc.record({
    streamId: fc.integer({ min: 0, max: 0xffffffff }),
    type: fc.constantFrom(1, 2, 3),
    flags: fc.integer({ min: 0, max: 255 }),
    body: fc.uint8Array({ maxLength: 2 * limit }),
  }),
  { maxLength: 8 },
);

void test("frames come out as they went in, however the bytes are cut, and oversize ones are skipped", () => {
  fc.assert(
    fc.property(frames, fc.array(fc.integer({ min: 0, max: 40 })), (sent, cuts) => {
      const bytes = Buffer.concat(sent.map((frame) => encodeFrame(frame)));
      const decoder = new FrameDecoder(limit);
      const received: Frame[] = [];
      let offset = 0;
      for (const cut of [...cuts, bytes.length]) {
        received.push(...decoder.push(bytes.subarray(offset, offset + cut)));
        offset += cut;
      }
      const expected = sent.map((frame) => ({ ...frame, body: frame.body.length > limit ? undefined : frame.body }));
      assert.deepEqual(
        received.map((frame) => ({ ...frame, body: frame.body && Uint8Array.from(frame.body) })),
        expected,
      );
    }),
  );
});

void test("the header is length, stream id, type and flags, big endian", () => {
  const bytes = encodeFrame({ streamId: 0x0102, type: frameType.response, flags: 4, body: Uint8Array.of(9, 8) });
  assert.deepEqual([...bytes], [0, 0, 0, 2, 0, 0, 1, 2, 2, 4, 9, 8]);
});
