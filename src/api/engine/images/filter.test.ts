// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { notFound } from "../../../base/errors.ts";
import type { Image, ImageService } from "../../../core/images/image-service.ts";
import { imageFilter, matchesReference, withMatchingNames } from "./filter.ts";

interface Sketch {
  readonly names?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly createdAt?: number;
}

const image = ({ names = [], labels = {}, createdAt = 0 }: Sketch) =>
  ({ names, createdAt, config: { config: { Labels: labels } } }) as unknown as Image;

const web = image({
  names: ["docker.io/library/web:1.25", "localhost:5000/team/web:latest"],
  labels: { tier: "front", empty: "" },
  createdAt: 20,
});

test("matches familiar and full names, with and without the tag", () => {
  for (const pattern of [
    "web",
    "web:1.25",
    "web:1.*",
    "w?b",
    "w*",
    "docker.io/library/web",
    "docker.io/library/web:1.25",
    "docker.io/*/web",
    "localhost:5000/team/web",
    "localhost:5000/team/*:latest",
    "*/team/web",
  ]) {
    assert.ok(matchesReference(web, pattern), pattern);
  }
  for (const pattern of ["", "we", "eb", "web:1", "library/web", "*/web:2", "localhost:5000/*", "we??", "team/web"]) {
    assert.ok(!matchesReference(web, pattern), pattern);
  }
});

test("takes every other character as it is", () => {
  const dotted = image({ names: ["docker.io/library/a.b:1"] });
  assert.ok(matchesReference(dotted, "a.b"));
  assert.ok(!matchesReference(image({ names: ["docker.io/library/axb:1"] }), "a.b"));
  for (const pattern of ["web+", "(web)", "^web$", "w{1}eb", "[w]eb", "web|other", "\\web", "web\n"]) {
    assert.ok(!matchesReference(web, pattern), pattern);
  }
  // Whatever is typed is a pattern; none breaks the expression.
  fc.assert(fc.property(fc.string(), (pattern) => typeof matchesReference(web, pattern) === "boolean"));
});

const old = image({ names: ["docker.io/library/old:1"], createdAt: 10 });
const dangling = image({ labels: { tier: "back" }, createdAt: 30 });
const all = [web, old, dangling];
const images = {
  resolve: (name: string) => {
    if (name === "web") return web;
    throw notFound("image", name);
  },
} as unknown as ImageService;
const filtered = (filters: Readonly<Record<string, readonly string[]>>) =>
  all.filter(imageFilter(new Map(Object.entries(filters)), images));

test("values of a key are alternatives, labels and keys must all hold", () => {
  assert.deepEqual(filtered({}), all);
  assert.deepEqual(filtered({ dangling: ["true"] }), [dangling]);
  assert.deepEqual(filtered({ dangling: ["0"] }), [web, old]);
  assert.deepEqual(filtered({ reference: ["old", "web"] }), [web, old]);
  assert.deepEqual(filtered({ label: ["tier"] }), [web, dangling]);
  assert.deepEqual(filtered({ label: ["tier=front", "empty"] }), [web]);
  assert.deepEqual(filtered({ label: ["tier=front", "tier=back"] }), []);
  assert.deepEqual(filtered({ label: ["tier"], dangling: ["false"] }), [web]);
  assert.deepEqual(filtered({ before: ["web"] }), [old]);
  assert.deepEqual(filtered({ since: ["web"] }), [dangling]);
});

test("refuses filters and values that it does not know", () => {
  assert.throws(() => filtered({ colour: ["red"] }), { code: "invalid-argument", message: "invalid filter 'colour'" });
  assert.throws(() => filtered({ dangling: ["maybe"] }), {
    code: "invalid-argument",
    message: "invalid filter 'dangling=maybe'",
  });
  assert.throws(() => filtered({ before: ["gone"] }), { code: "not-found" });
});

test("an image that was asked for by name shows only what was meant", () => {
  assert.deepEqual(withMatchingNames(web, ["web"]).names, ["docker.io/library/web:1.25"]);
  assert.deepEqual(withMatchingNames(web, ["*/team/web", "nothing"]).names, ["localhost:5000/team/web:latest"]);
  assert.equal(withMatchingNames(web, []), web);
});
