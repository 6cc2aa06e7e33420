// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ellipsis, formatCommand, formatLabels, quote, shortId } from "./text.ts";

test("ids lose their algorithm and all but twelve digits", () => {
  assert.equal(shortId("sha256:3f2a9c1b5d7e88aa00"), "3f2a9c1b5d7e");
  assert.equal(shortId("3f2a9c1b5d7e88aa00"), "3f2a9c1b5d7e");
  assert.equal(shortId("3f2a"), "3f2a");
});

const cut = [
  ["abcdef", 6, "abcdef"],
  ["abcdefg", 6, "abcde…"],
  ["abc", 1, "a"],
  ["abc", 0, ""],
  ["", 5, ""],
  ["日本語", 6, "日本語"],
  ["日本語", 5, "日本…"],
  ["日本語", 4, "日…"],
] as const;

for (const [text, width, expected] of cut) {
  test(`${JSON.stringify(text)} in ${width} cells is ${JSON.stringify(expected)}`, () => {
    assert.equal(ellipsis(text, width), expected);
  });
}

test("what was cut is never longer than asked for", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.integer({ min: 2, max: 30 }), (text, width) => {
      assert.ok(Array.from(ellipsis(text, width)).length <= width);
    }),
  );
});

test("commands are quoted, and cut to twenty cells unless they are wanted in full", () => {
  assert.equal(formatCommand(["sh", "-c", "sleep 1000 && echo"], { full: false }), '"sh -c sleep 1000 &&…"');
  assert.equal(formatCommand(["sh", "-c", 'echo "x"'], { full: true }), '"sh -c echo \\"x\\""');
  assert.equal(formatCommand(["printf", "\u001b[2J"], { full: false }), '"printf \\x1b[2J"');
});

test("control characters are escaped as in Go", () => {
  assert.equal(quote("a\tb\nc\u0000\u007fé"), '"a\\tb\\nc\\x00\\x7fé"');
});

test("labels are sorted", () => {
  assert.equal(formatLabels({ b: "2", a: "1" }), "a=1,b=2");
});
