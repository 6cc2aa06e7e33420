// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Digest, sha256Digest } from "../../base/digest.ts";
import { codeOf, messageOf } from "../../base/errors.ts";
import {
  familiarName,
  formatReference,
  parseReference,
  type Reference,
  repositoryOf,
  withDefaultTag,
} from "./reference.ts";

const hex = "0123456789abcdef".repeat(4);
const digest: Digest = sha256Digest(hex);

const accepted: readonly (readonly [text: string, full: string, familiar: string])[] = [
  ["busybox", "docker.io/library/busybox", "busybox"],
  ["busybox:1.36", "docker.io/library/busybox:1.36", "busybox:1.36"],
  [`busybox@${digest}`, `docker.io/library/busybox@${digest}`, `busybox@${digest}`],
  [`busybox:1.36@${digest}`, `docker.io/library/busybox:1.36@${digest}`, `busybox:1.36@${digest}`],
  ["library/busybox", "docker.io/library/busybox", "busybox"],
  ["docker.io/busybox", "docker.io/library/busybox", "busybox"],
  ["index.docker.io/busybox", "docker.io/library/busybox", "busybox"],
  ["index.docker.io/grafana/loki:2", "docker.io/grafana/loki:2", "grafana/loki:2"],
  ["grafana/loki", "docker.io/grafana/loki", "grafana/loki"],
  ["localhost/app", "localhost/app", "localhost/app"],
  ["localhost:5000/app:v1", "localhost:5000/app:v1", "localhost:5000/app:v1"],
  ["127.0.0.1:5000/a/b/c", "127.0.0.1:5000/a/b/c", "127.0.0.1:5000/a/b/c"],
  ["[::1]:5000/app", "[::1]:5000/app", "[::1]:5000/app"],
  ["registry.k8s.io/pause:3.10", "registry.k8s.io/pause:3.10", "registry.k8s.io/pause:3.10"],
  ["Registry/app", "Registry/app", "Registry/app"],
  ["app:5000", "docker.io/library/app:5000", "app:5000"],
  ["a__b.c_d---e", "docker.io/library/a__b.c_d---e", "a__b.c_d---e"],
  ["docker.io/localhost/app", "docker.io/localhost/app", "docker.io/localhost/app"],
  [`docker.io/library/${hex}`, `docker.io/library/${hex}`, `library/${hex}`],
  [`app:${"t".repeat(128)}`, `docker.io/library/app:${"t".repeat(128)}`, `app:${"t".repeat(128)}`],
];

for (const [text, full, familiar] of accepted) {
  test(`${text.slice(0, 60)} is ${full.slice(0, 60)}`, () => {
    const reference = parseReference(text);
    assert.equal(formatReference(reference), full);
    assert.equal(familiarName(reference), familiar);
    assert.deepEqual(parseReference(familiar), reference);
  });
}

const refused: readonly (readonly [text: string, message: string | RegExp])[] = [
  ["", "invalid reference format"],
  [" ", "invalid reference format"],
  ["BusyBox", "invalid reference format: repository name (library/BusyBox) must be lowercase"],
  ["localhost:5000/App:v1", "invalid reference format: repository name (App) must be lowercase"],
  [hex, `invalid reference format: invalid repository name (${hex}), cannot specify 64-byte hexadecimal strings`],
  [":latest", "invalid reference format"],
  ["busybox:", "invalid reference format"],
  ["busybox:a:b", "invalid reference format"],
  ["busybox:.hidden", "invalid reference format"],
  [`busybox:${"t".repeat(129)}`, "invalid reference format"],
  ["busybox@", "invalid reference format"],
  ["busybox@sha256:abc", "invalid reference format"],
  [`busybox@md5:${hex.slice(32)}`, "invalid reference format"],
  [`busybox@${digest}@${digest}`, "invalid reference format"],
  [`busybox@sha256:${hex.toUpperCase()}`, "invalid reference format"],
  ["https://localhost/app", "invalid reference format"],
  ["/app", "invalid reference format"],
  ["app/", "invalid reference format"],
  ["a//b", "invalid reference format"],
  ["../etc", "invalid reference format"],
  ["host:5000/../app", "invalid reference format"],
  ["host:port/app", "invalid reference format"],
  ["-host.example/app", "invalid reference format"],
  ["a___b", "invalid reference format"],
  ["app-", "invalid reference format"],
  ["app\n", "invalid reference format"],
  ["bücher", "invalid reference format"],
  ["a/".repeat(140) + "a", /must not be more than 255 characters/],
  ["a".repeat(2000), "invalid reference format"],
];

for (const [text, message] of refused) {
  test(`${JSON.stringify(text.slice(0, 40))} is refused`, () => {
    assert.throws(
      () => parseReference(text),
      (error) => {
        assert.equal(codeOf(error), "invalid-argument");
        if (typeof message === "string") assert.equal(messageOf(error), message);
        else assert.match(messageOf(error), message);
        return true;
      },
    );
  });
}

test("the default tag is added only where nothing says which image", () => {
  assert.equal(withDefaultTag(parseReference("busybox")).tag, "latest");
  assert.equal(withDefaultTag(parseReference("busybox:1")).tag, "1");
  assert.equal(withDefaultTag(parseReference(`busybox@${digest}`)).tag, undefined);
  assert.equal(repositoryOf(parseReference(`busybox:1@${digest}`)), "docker.io/library/busybox");
});

const component = fc.stringMatching(/^[a-z0-9]{1,6}((\.|_|__|-{1,3})[a-z0-9]{1,4}){0,2}$/);
const references: fc.Arbitrary<Reference> = fc
  .record(
    {
      domain: fc.constantFrom("docker.io", "localhost", "localhost:5000", "quay.io", "127.0.0.1:80", "[fe80::1]:5000"),
      path: fc.array(component, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/")),
      tag: fc.stringMatching(/^\w[\w.-]{0,20}$/),
      digest: fc.constant(digest),
    },
    { requiredKeys: ["domain", "path"], noNullPrototype: true },
  )
  .map((reference) =>
    reference.domain === "docker.io" && !reference.path.includes("/")
      ? { ...reference, path: `library/${reference.path}` }
      : reference,
  );

test("formatting and parsing again changes nothing, in the full and in the familiar form", () => {
  fc.assert(
    fc.property(references, (reference) => {
      assert.deepEqual(parseReference(formatReference(reference)), reference);
      assert.deepEqual(parseReference(familiarName(reference)), reference);
    }),
  );
});

test("whatever is accepted is normalised already", () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 40, unit: fc.constantFrom(..."aB1.:/-_@[]".split("")) }), (text) => {
      let reference: Reference;
      try {
        reference = parseReference(text);
      } catch (error) {
        assert.equal(codeOf(error), "invalid-argument");
        return;
      }
      assert.deepEqual(parseReference(formatReference(reference)), reference);
    }),
    { numRuns: 1000 },
  );
});
