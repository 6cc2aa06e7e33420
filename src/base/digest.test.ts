// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { digestAlgorithm, digestHex, isDigest, parseDigest, sha256Digest } from "./digest.ts";

const hex = (algorithm: string) => createHash(algorithm).update("x").digest("hex");

test("takes both registered algorithms apart", () => {
  for (const algorithm of ["sha256", "sha512"]) {
    const digest = parseDigest(`${algorithm}:${hex(algorithm)}`);
    assert.equal(digestAlgorithm(digest), algorithm);
    assert.equal(digestHex(digest), hex(algorithm));
  }
  assert.equal(sha256Digest(hex("sha256")), `sha256:${hex("sha256")}`);
});

test("refuses whatever could become a path or part of a URL", () => {
  const good = hex("sha256");
  for (const bad of [
    "",
    "sha256:",
    good,
    `sha256:${good.toUpperCase()}`,
    `SHA256:${good}`,
    `sha256:${good}0`,
    `sha256:${good.slice(1)}`,
    `sha256:${good}\n`,
    ` sha256:${good}`,
    `sha512:${good}`,
    `md5:${"0".repeat(32)}`,
    `sha256:../../${good.slice(6)}`,
    undefined,
    null,
    7,
    [`sha256:${good}`],
  ]) {
    assert.equal(isDigest(bad), false, String(bad));
    assert.throws(() => parseDigest(bad), { code: "invalid-argument", message: /^malformed digest / });
  }
  assert.throws(() => sha256Digest("abc"), { code: "invalid-argument" });
});

test("accepts nothing but the two forms", () => {
  fc.assert(fc.property(fc.string(), (text) => !isDigest(text)));
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) =>
      isDigest(`sha256:${Buffer.from(bytes).toString("hex")}`),
    ),
  );
});
