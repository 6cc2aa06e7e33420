// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { writeArchive } from "./write-archive.ts";

const signal = AbortSignal.timeout(30_000);

async function places(t: TestContext) {
  const scratch = await mkdtemp(path.join(tmpdir(), "berth-archive-"));
  t.after(async () => await rm(scratch, { recursive: true, force: true }));
  const [from, to] = [path.join(scratch, "from"), path.join(scratch, "to")];
  await mkdir(path.join(from, "checkpoint"), { recursive: true });
  await mkdir(to);
  return { from, to, location: path.join(to, "c.tar") };
}

test("an archive has the files, as root's and nobody else's, and replaces the one before", async (t) => {
  const { from, to, location } = await places(t);
  const large = Buffer.alloc(2_500_000, "pages");
  const long = `${"n".repeat(150)}.img`;
  await writeFile(path.join(from, "checkpoint", "pages-1.img"), large, { mode: 0o644 });
  await writeFile(path.join(from, "checkpoint", long), "x");
  await writeFile(path.join(from, "empty"), "", { mode: 0o666 });
  await symlink("/etc/passwd", path.join(from, "link"));
  await writeFile(location, "the one before", { mode: 0o644 });
  await writeArchive(from, location, { signal });
  assert.equal((await stat(location)).mode & 0o7777, 0o600);
  assert.deepEqual(await readdir(to), ["c.tar"]);
  const listed = spawnSync("tar", ["-tvf", location], { encoding: "utf8" });
  assert.deepEqual(
    listed.stdout
      .trim()
      .split("\n")
      .map((line) => line.split(/ +/))
      .map(([mode, owner, size, , , name]) => [mode, owner, size, name]),
    [
      ["drwx------", "0/0", "0", "checkpoint/"],
      ["-rw-------", "0/0", "1", `checkpoint/${long}`],
      ["-rw-------", "0/0", String(large.length), "checkpoint/pages-1.img"],
      ["-rw-------", "0/0", "0", "empty"],
    ],
  );
  const out = spawnSync("tar", ["-xOf", location, "checkpoint/pages-1.img"], { maxBuffer: 2 * large.length });
  assert.ok(large.equals(out.stdout));
});

test("one that cannot be finished leaves what was there", async (t) => {
  const { from, to, location } = await places(t);
  await writeFile(path.join(from, "file"), "x");
  await writeFile(location, "the one before");
  const left = new Error("left");
  await assert.rejects(writeArchive(from, location, { signal: AbortSignal.abort(left) }), left);
  await assert.rejects(writeArchive(path.join(from, "nothing"), location, { signal }), /write the checkpoint .*c\.tar/);
  assert.deepEqual(await readdir(to), ["c.tar"]);
  assert.equal(await readFile(location, "utf8"), "the one before");
  await mkdir(path.join(to, "directory"));
  await assert.rejects(writeArchive(from, path.join(to, "directory"), { signal }), /write the checkpoint/);
  assert.deepEqual((await readdir(to)).sort(), ["c.tar", "directory"]);
});
