// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { getXattr } from "../../../linux/ffi/file.ts";
import { relabelTree } from "./relabel.ts";

const labelOf = (file: string) => getXattr(Buffer.from(file).toString("latin1"), "security.selinux")?.toString();

test("a tree gets the label, with odd names and links, and nothing that links lead to", async (t) => {
  const directory = await mkdtemp(path.join(tmpdir(), "berth-relabel-"));
  t.after(async () => await rm(directory, { recursive: true }));
  const [tree, outside] = [path.join(directory, "tree"), path.join(directory, "outside")];
  await mkdir(path.join(tree, "deep/deeper"), { recursive: true });
  await mkdir(path.join(outside, "below"), { recursive: true });
  await writeFile(path.join(tree, "deep/deeper/file"), "");
  const odd = Buffer.concat([Buffer.from(`${tree}/`), Buffer.from([0xff, 0x0a])]);
  await writeFile(odd, "");
  await symlink(outside, path.join(tree, "link"));
  await relabelTree(tree, "system_u:object_r:container_file_t:s0:c1,c2");
  const expected = "system_u:object_r:container_file_t:s0:c1,c2\0";
  for (const name of ["", "deep", "deep/deeper", "deep/deeper/file"]) {
    assert.equal(labelOf(path.join(tree, name)), expected, name);
  }
  assert.equal(getXattr(odd.toString("latin1"), "security.selinux")?.toString(), expected);
  for (const name of ["", "below"]) assert.equal(labelOf(path.join(outside, name)), undefined, name);
  await relabelTree(path.join(tree, "link"), "a:b:c:s0");
  assert.equal(labelOf(path.join(outside, "below")), "a:b:c:s0\0");
});

test("what the host lives in keeps its labels, and a file system without labels is left as it is", async () => {
  for (const source of ["/", "/etc", "/var/lib", "/usr/../usr", "/proc/self"]) {
    await assert.rejects(relabelTree(source, "a:b:c:s0"), { code: "invalid-argument" }, source);
  }
  await assert.rejects(relabelTree("/berth/no/such", "a:b:c:s0"), { code: "not-found" });
});
