// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { DetachFilter, parseDetachKeys } from "./detach-keys.ts";

const sequences = [
  ["", [16, 17]],
  ["ctrl-p,ctrl-q", [16, 17]],
  ["ctrl-a,d", [1, 100]],
  ["ctrl-@", [0]],
  ["ctrl-[,ctrl-\\,ctrl-],ctrl-^,ctrl-_", [27, 28, 29, 30, 31]],
  ["a,b,c", [97, 98, 99]],
  ["DEL", [127]],
] as const;

for (const [text, bytes] of sequences) {
  test(`"${text}" is ${bytes.join(" ")}`, () => {
    assert.deepEqual([...parseDetachKeys(text)], bytes);
  });
}

for (const [text, key] of [
  ["ctrl-P", "ctrl-P"],
  ["ab", "ab"],
  ["a,,b", ""],
  ["ctrl-1", "ctrl-1"],
  ["é", "é"],
] as const) {
  test(`"${text}" is refused`, () => {
    assert.throws(() => parseDetachKeys(text), {
      code: "invalid-argument",
      message: `invalid detach keys (${text}): unknown character: '${key}'`,
    });
  });
}

/** What is sent for each chunk; "!" marks the end of the session. */
function type(keys: string, chunks: readonly string[]): readonly string[] {
  const filter = new DetachFilter(parseDetachKeys(keys));
  return chunks.map((chunk) => {
    const { data, detached } = filter.push(Buffer.from(chunk, "latin1"));
    return Buffer.from(data).toString("latin1") + (detached ? "!" : "");
  });
}

const cases = [
  { name: "other keys go through", keys: "", chunks: ["ls\r"], sent: ["ls\r"] },
  { name: "the sequence in one chunk", keys: "", chunks: ["\x10\x11"], sent: ["!"] },
  { name: "the sequence key by key", keys: "", chunks: ["\x10", "\x11"], sent: ["", "!"] },
  { name: "what stands before is sent, what follows is dropped", keys: "", chunks: ["ab\x10\x11cd"], sent: ["ab!"] },
  { name: "a broken sequence is released", keys: "", chunks: ["\x10", "x"], sent: ["", "\x10x"] },
  { name: "the first key twice", keys: "", chunks: ["\x10", "\x10", "\x11"], sent: ["", "\x10", "!"] },
  { name: "the second key alone", keys: "", chunks: ["\x11\x10"], sent: ["\x11"] },
  { name: "a sequence that overlaps itself", keys: "a,a,b", chunks: ["aa", "ab"], sent: ["", "a!"] },
  { name: "a single key", keys: "ctrl-x", chunks: ["a", "\x18"], sent: ["a", "!"] },
  { name: "bytes above 127", keys: "", chunks: ["\xc3\xa9\x10\xc3"], sent: ["\xc3\xa9\x10\xc3"] },
];

for (const { name, keys, chunks, sent } of cases) {
  test(`detach: ${name}`, () => {
    assert.deepEqual(type(keys, chunks), sent);
  });
}

test("at the end of input what is held back is handed over once", () => {
  const filter = new DetachFilter(parseDetachKeys(""));
  filter.push(Uint8Array.of(65, 16));
  assert.deepEqual([...filter.flush()], [16]);
  assert.deepEqual([...filter.flush()], []);
});

test("however the input is cut, the same bytes are sent, and it ends where the sequence first stands", () => {
  const letter = fc.constantFrom("a", "b", "c");
  fc.assert(
    fc.property(fc.array(letter, { minLength: 1, maxLength: 4 }), fc.array(fc.array(letter)), (keys, chunks) => {
      const filter = new DetachFilter(parseDetachKeys(keys.join(",")));
      let sent = "";
      let detached = false;
      for (const chunk of chunks) {
        if (detached) break;
        const result = filter.push(Buffer.from(chunk.join("")));
        sent += Buffer.from(result.data).toString();
        detached = result.detached;
      }
      const all = chunks.flat().join("");
      const at = all.indexOf(keys.join(""));
      assert.equal(detached, at !== -1);
      assert.equal(detached ? sent : sent + Buffer.from(filter.flush()).toString(), at === -1 ? all : all.slice(0, at));
    }),
  );
});
