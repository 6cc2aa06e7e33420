// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { byteStringToText, quoteByteString, textToByteString } from "./byte-string.ts";

test("has a character for each byte and gives the text back", () => {
  assert.equal(textToByteString("ä").length, 2);
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      const bytes = textToByteString(text);
      assert.equal(byteStringToText(bytes), text);
      assert.equal(bytes.length, Buffer.byteLength(text));
    }),
  );
});

test("shows people what is not UTF-8, or not printable, or very long, without trouble", () => {
  assert.equal(byteStringToText("a\xff"), "a\ufffd");
  assert.equal(quoteByteString("a\nb\x1b"), '"a\\nb\\u001b"');
  assert.equal(quoteByteString("x".repeat(300)), `"${"x".repeat(256)}…"`);
});
