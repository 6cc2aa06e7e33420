// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import type { ContainerEdits } from "./document.ts";
import { noEdits } from "./parse-edits.ts";
import { type CdiFile, CdiRegistry } from "./registry.ts";

const saying = (text: string): ContainerEdits => ({ ...noEdits, environment: [`SAID=${text}`] });

function file(path: string, priority: number, ...names: readonly string[]): CdiFile {
  const devices = new Map(names.map((name) => [name, saying(`${path}:${name}`)]));
  return { path, priority, document: { kind: "v/c", edits: saying(path), devices } };
}

const said = (registry: CdiRegistry, ...names: readonly string[]) =>
  registry.editsOf(names).map(({ environment }) => environment[0]?.slice("SAID=".length));

test("a file's common edits come once, before its first device", () => {
  const registry = new CdiRegistry([file("a", 0, "1", "2"), file("b", 0, "3")]);
  assert.deepEqual(said(registry, "v/c=2", "v/c=3", "v/c=1"), ["a", "a:2", "b", "b:3", "a:1"]);
});

test("a later directory goes first, in whatever order files are read", () => {
  const [early, late] = [file("early", 0, "1", "2"), file("late", 1, "1")];
  for (const files of [
    [early, late],
    [late, early],
  ]) {
    assert.deepEqual(said(new CdiRegistry(files), "v/c=1", "v/c=2"), ["late", "late:1", "early", "early:2"]);
  }
});

test("what two files of one directory have, nobody gets; a directory before them does not help", () => {
  const registry = new CdiRegistry([file("a", 0, "1"), file("b", 1, "1", "2"), file("c", 1, "1")], ["cannot read d"]);
  assert.throws(() => registry.editsOf(["v/c=1", "v/c=9", "v/c=2"]), {
    code: "not-found",
    message: "unresolvable CDI devices v/c=1, v/c=9 (v/c=1 is in b and c; cannot read d)",
  });
  assert.deepEqual(said(registry, "v/c=2"), ["b", "b:2"]);
});
