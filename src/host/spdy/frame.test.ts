// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { headerDictionary } from "./dictionary.ts";
import { encodeFrame, type Frame } from "./frame.ts";
import { FrameDecoder, maximumControlFrame } from "./frame-decoder.ts";
import { HeaderDeflater, HeaderInflater, maximumHeaderBlock } from "./header-codec.ts";

const id = fc.integer({ min: 1, max: 2 ** 31 - 1 });
const word = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const bytes = fc.uint8Array({ maxLength: 200 });
const frames: fc.Arbitrary<Exclude<Frame, { kind: "unknown" }>> = fc.oneof(
  fc.record({ kind: fc.constant("data" as const), streamId: id, fin: fc.boolean(), data: bytes }),
  fc.record({
    kind: fc.constant("syn-stream" as const),
    streamId: id,
    fin: fc.boolean(),
    unidirectional: fc.boolean(),
    block: bytes,
  }),
  fc.record({
    kind: fc.constantFrom("syn-reply" as const, "headers" as const),
    streamId: id,
    fin: fc.boolean(),
    unidirectional: fc.constant(false),
    block: bytes,
  }),
  fc.record({ kind: fc.constant("rst-stream" as const), streamId: id, status: word }),
  fc.record({ kind: fc.constant("settings" as const), initialWindow: fc.option(word, { nil: undefined }) }),
  fc.record({ kind: fc.constant("ping" as const), id: word }),
  fc.record({ kind: fc.constant("goaway" as const), lastStreamId: id, status: word }),
  fc.record({ kind: fc.constant("window-update" as const), streamId: id, delta: id }),
);

/** Frames with plain arrays, the parts of one data frame joined. */
function normal(list: readonly Frame[]): unknown[] {
  const joined: Frame[] = [];
  let open = false;
  for (const frame of list) {
    const last = joined.at(-1);
    if (frame.kind === "data" && open && last?.kind === "data" && last.streamId === frame.streamId)
      joined[joined.length - 1] = { ...frame, data: Buffer.concat([last.data, frame.data]) };
    else joined.push(frame);
    open = frame.kind === "data" && !frame.fin;
  }
  return joined.map((frame) => ({
    ...frame,
    ...("data" in frame && { data: [...frame.data] }),
    ...("block" in frame && { block: [...frame.block] }),
  }));
}

test("frames come back as they were, however the bytes are cut", () => {
  fc.assert(
    fc.property(fc.array(frames, { maxLength: 8 }), fc.integer({ min: 1, max: 50 }), (list, cut) => {
      const decoder = new FrameDecoder();
      const all = Buffer.concat(list.map(encodeFrame));
      const found: Frame[] = [];
      for (let at = 0; at < all.length; at += cut) found.push(...decoder.push(all.subarray(at, at + cut)));
      assert.deepEqual(normal(found), normal(list));
    }),
  );
});

test("a frame of the specification is read by its bytes", () => {
  const decoder = new FrameDecoder();
  const settings = Buffer.from("80030004 0000000c 00000001 00000007 00020000".replaceAll(" ", ""), "hex");
  assert.deepEqual([...decoder.push(settings)], [{ kind: "settings", initialWindow: 0x20000 }]);
  const ping = Buffer.from("8003000600000004000000ff", "hex");
  assert.deepEqual([...decoder.push(ping)], [{ kind: "ping", id: 255 }]);
  assert.deepEqual(encodeFrame({ kind: "settings", initialWindow: 0x20000 }), settings);
});

test("impossible frames are refused before anything is kept for them", () => {
  const refused = (hex: string) => assert.throws(() => [...new FrameDecoder().push(Buffer.from(hex, "hex"))], /SPDY/);
  refused("8002000600000004000000ff"); // version 2
  refused("0000000000000001"); // data of stream 0
  refused(`80030001${(maximumControlFrame + 1).toString(16).padStart(8, "0")}`);
  refused("800300030000000400000001"); // RST_STREAM without a status
  refused("8003000400000004ffffffff"); // more settings than there are bytes
  refused("80030001000000040000000100"); // SYN_STREAM of four bytes
});

test("garbage either makes frames or an error, and never more", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (garbage) => {
      try {
        for (const frame of new FrameDecoder().push(garbage)) assert.ok(frame.kind);
      } catch (error) {
        assert.equal((error as { code?: string }).code, "invalid-argument");
      }
    }),
    { numRuns: 500 },
  );
});

function adler32(data: Uint8Array): number {
  let [a, b] = [1, 0];
  for (const byte of data) {
    a = (a + byte) % 65_521;
    b = (b + a) % 65_521;
  }
  return b * 65_536 + a;
}

test("the dictionary is that of SPDY/3", () => {
  assert.equal(headerDictionary.length, 1423);
  assert.equal(adler32(headerDictionary).toString(16), "e3c6a7c2");
});

test("header blocks of one connection come back in order, with the state that zlib keeps", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.dictionary(fc.stringMatching(/^[a-z-]{1,10}$/), fc.stringMatching(/^[\x20-\x7eäö]{0,3000}$/)), {
        maxLength: 6,
      }),
      async (list) => {
        using deflater = new HeaderDeflater();
        using inflater = new HeaderInflater();
        for (const headers of list.map((entry) => new Map(Object.entries(entry))))
          assert.deepEqual(await inflater.read(await deflater.write(headers)), headers);
      },
    ),
    { numRuns: 50 },
  );
});

test("a header block that would grow too long is refused", async () => {
  using deflater = new HeaderDeflater();
  using inflater = new HeaderInflater();
  const block = await deflater.write(new Map([["a", "x".repeat(50 * maximumHeaderBlock)]]));
  assert.ok(block.length < maximumControlFrame);
  await assert.rejects(inflater.read(block), { code: "invalid-argument", message: /more than 65536 bytes/ });
});

test("broken header blocks are refused", async () => {
  for (const names of [["A"], [""]]) {
    using deflater = new HeaderDeflater();
    using inflater = new HeaderInflater();
    const block = await deflater.write(new Map(names.map((name) => [name, "x"])));
    await assert.rejects(inflater.read(block), { code: "invalid-argument" });
  }
  using inflater = new HeaderInflater();
  await assert.rejects(inflater.read(Buffer.from("not zlib at all")), { code: "invalid-argument" });
});
