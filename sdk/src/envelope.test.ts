// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Envelopes, envelope } from "./envelope.ts";

/** The bytes cut at these places. */
function cut(bytes: Uint8Array, places: readonly number[]): readonly Uint8Array[] {
  const sorted = [0, ...places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return sorted.slice(1).map((end, index) => bytes.subarray(sorted[index], end));
}

test("messages come out as they went in, however the stream is cut", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40 })), fc.array(fc.nat()), (messages, places) => {
      const envelopes = new Envelopes();
      const bytes = Buffer.concat(messages.map(envelope));
      const received = cut(bytes, places).flatMap((chunk) => [...envelopes.push(chunk)]);
      assert.deepEqual(
        received.map(({ flags, data }) => [flags, Buffer.from(data).toString("hex")]),
        messages.map((message) => [0, Buffer.from(message).toString("hex")]),
      );
    }),
  );
});

test("flags are handed on", () => {
  const bytes = envelope(Buffer.from("{}"));
  bytes[0] = 2;
  assert.deepEqual([...new Envelopes().push(bytes)], [{ flags: 2, data: Buffer.from("{}") }]);
});

test("a message that is too large is refused before it is collected", () => {
  const header = Buffer.from([0, 0xff, 0xff, 0xff, 0xff]);
  assert.throws(() => [...new Envelopes().push(header)], { code: "resource-exhausted" });
});
