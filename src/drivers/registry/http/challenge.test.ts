// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseChallenge } from "./challenge.ts";

const realm = new URL("https://auth.example/token");

const cases: readonly (readonly [
  header: string | readonly string[] | undefined,
  expected: ReturnType<typeof parseChallenge>,
])[] = [
  [undefined, undefined],
  ["", undefined],
  ['Basic realm="x, y=z"', { scheme: "basic" }],
  ["basic", { scheme: "basic" }],
  [
    'Bearer realm="https://auth.example/token",service="s",scope="repository:a:pull,push"',
    { scheme: "bearer", realm, service: "s", scope: "repository:a:pull,push" },
  ],
  [
    "bearer realm=https://auth.example/token , service = s",
    { scheme: "bearer", realm, service: "s", scope: undefined },
  ],
  [
    'Basic realm="x", Bearer realm="https://auth.example/token"',
    { scheme: "bearer", realm, service: undefined, scope: undefined },
  ],
  [
    ['Basic realm="x"', 'Bearer realm="https://auth.example/token"'],
    { scheme: "bearer", realm, service: undefined, scope: undefined },
  ],
  [
    'Bearer realm="https://auth.example/token",service="a \\"b\\""',
    { scheme: "bearer", realm, service: 'a "b"', scope: undefined },
  ],
  ['Bearer realm="nowhere"', undefined],
  ['Bearer service="s"', undefined],
  ["Negotiate abc==", undefined],
  ['"', undefined],
];

for (const [header, expected] of cases) {
  test(`challenge ${JSON.stringify(header)}`, () => assert.deepEqual(parseChallenge(header), expected));
}

test("whatever a registry sends is read to an end without an error", () => {
  const pieces = fc.constantFrom("Bearer", "Basic", " ", ",", "=", '"', "\\", "realm", "https://x/", "\u0000");
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 40 }), (parts) => void parseChallenge(parts.join(""))),
    { numRuns: 2000 },
  );
});
