// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { OutputStream } from "../../../core/streams/process-streams.ts";
import { maximumLineLength, RecordEncoder } from "./record-encoder.ts";

const recordPattern = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z (stdout|stderr) ([FP]) ([\s\S]*)$/;

interface Chunk {
  readonly stream: OutputStream;
  readonly text: string;
}

/** What the encoder makes of the chunks, without the timestamps. */
function encode(chunks: readonly Chunk[], blockLength?: number): string[] {
  let text = "";
  const encoder = new RecordEncoder((records) => {
    text += records.toString("latin1");
  }, blockLength);
  for (const { stream, text: data } of chunks) encoder.write(stream, Buffer.from(data, "latin1"));
  encoder.end();
  return text
    .split("\n")
    .slice(0, -1)
    .map((record) => {
      const match = recordPattern.exec(record);
      assert.ok(match, JSON.stringify(record.slice(0, 80)));
      return `${match[1]} ${match[2]} ${match[3]}`;
    });
}

/** The format stated the slow way: whole lines first, then pieces. */
function expected(stream: OutputStream, text: string): string[] {
  const lines = text.split("\n");
  const unterminated = lines.pop() ?? "";
  const records: string[] = [];
  for (const line of lines) {
    let rest = line.endsWith("\r") ? line.slice(0, -1) : line;
    for (; rest.length > maximumLineLength; rest = rest.slice(maximumLineLength)) {
      records.push(`${stream} P ${rest.slice(0, maximumLineLength)}`);
    }
    records.push(`${stream} F ${rest}`);
  }
  for (let rest = unterminated; rest.length > 0; rest = rest.slice(maximumLineLength)) {
    records.push(`${stream} P ${rest.slice(0, maximumLineLength)}`);
  }
  return records;
}

const out = (text: string): Chunk => ({ stream: "stdout", text });
const long = "x".repeat(maximumLineLength);

const cases: readonly (readonly [name: string, input: string, records: readonly string[]])[] = [
  ["whole lines", "a\nb\n", ["stdout F a", "stdout F b"]],
  ["empty lines", "\n\n", ["stdout F ", "stdout F "]],
  ["a last line without a newline is a piece", "a\nb", ["stdout F a", "stdout P b"]],
  ["a carriage return before the newline goes", "a\r\nb\rc\r\n", ["stdout F a", "stdout F b\rc"]],
  ["only one carriage return goes", "a\r\r\n", ["stdout F a\r"]],
  ["a line of just the limit is whole", `${long}\n`, [`stdout F ${long}`]],
  ["the carriage return does not count", `${long}\r\n`, [`stdout F ${long}`]],
  ["one byte more is split", `${long}y\n`, [`stdout P ${long}`, "stdout F y"]],
  ["twice the limit", `${long}${long}\n`, [`stdout P ${long}`, `stdout F ${long}`]],
];

for (const [name, input, records] of cases) {
  test(`${name}, in one chunk and byte by byte`, () => {
    assert.deepEqual(expected("stdout", input), records);
    assert.deepEqual(encode([out(input)]), records);
    assert.deepEqual(encode(Array.from(input, out)), records);
  });
}

test("the streams keep their unfinished lines apart", () => {
  const records = encode([out("a"), { stream: "stderr", text: "b" }, out("c\n"), { stream: "stderr", text: "d\n" }]);
  assert.deepEqual(records, ["stdout F ac", "stderr F bd"]);
});

test("any chunking of any output gives the same records", () => {
  const piece = fc.oneof(
    fc.constantFrom("\n", "\r", "\r\n", "\r\r\n", "a", "\0", "\xff", long, long.slice(1), `${long}\r`),
    fc.string({ unit: "binary-ascii", maxLength: 20 }),
  );
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 12 }),
      fc.array(fc.integer({ min: 1, max: 20_000 }), { maxLength: 12 }),
      fc.boolean(),
      (pieces, cuts, smallBlocks) => {
        const text = pieces.join("");
        const chunks: Chunk[] = [];
        let start = 0;
        for (const cut of cuts) {
          chunks.push(out(text.slice(start, start + cut)));
          start += cut;
        }
        chunks.push(out(text.slice(start)));
        assert.deepEqual(encode(chunks, smallBlocks ? 1 : undefined), expected("stdout", text));
      },
    ),
    { numRuns: 300 },
  );
});

test("every record has a later timestamp than the one before, close to the wall clock", () => {
  const stamps: string[] = [];
  const encoder = new RecordEncoder((records) => {
    for (const record of records.toString().split("\n").slice(0, -1)) stamps.push(record.slice(0, 30));
  });
  const before = Date.now();
  for (let turn = 0; turn < 200; turn++) encoder.write("stdout", Buffer.from("\n".repeat(50)));
  const after = Date.now();
  assert.equal(stamps.length, 10_000);
  assert.equal(new Set(stamps).size, stamps.length);
  assert.deepEqual(stamps, stamps.toSorted());
  assert.ok(Date.parse(stamps[0] ?? "") >= before - 2, `${stamps[0]} is before ${new Date(before).toISOString()}`);
  assert.ok(Date.parse(stamps.at(-1) ?? "") <= after + 2, `${stamps.at(-1)} is after ${new Date(after).toISOString()}`);
});
