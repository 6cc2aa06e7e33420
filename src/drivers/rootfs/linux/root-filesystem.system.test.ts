// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmod,
  chown,
  link,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  symlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { createRootFilesystem } from "./root-filesystem.ts";

const signal = new AbortController().signal;
const files = createRootFilesystem();
const attributes = { mode: 0o750, uid: 1234, gid: 4321 };

async function makeRoot(t: TestContext) {
  const directory = await mkdtemp(path.join(tmpdir(), "berth-rootfs-"));
  t.after(async () => await rm(directory, { recursive: true }));
  const root = path.join(directory, "root");
  await mkdir(path.join(root, "etc"), { recursive: true });
  await writeFile(path.join(directory, "secret"), "host");
  await writeFile(path.join(root, "etc", "passwd"), "inside");
  return { directory, root };
}

async function read(root: string, file: string, maximumBytes = 100): Promise<string | undefined> {
  const bytes = await files.readFile(root, file, { maximumBytes });
  return bytes === undefined ? undefined : Buffer.from(bytes).toString();
}

test("reads a file as the container would see it", async (t) => {
  const { directory, root } = await makeRoot(t);
  await symlink("/etc/passwd", path.join(root, "absolute"));
  await symlink("../../../../etc", path.join(root, "etc", "up"));
  await symlink(path.join(directory, "secret"), path.join(root, "escape"));
  await symlink("/proc/self/root/etc", path.join(root, "magic"));
  assert.equal(await read(root, "/etc/passwd"), "inside");
  assert.equal(await read(root, "absolute"), "inside");
  assert.equal(await read(root, "/etc/up/passwd"), "inside");
  assert.equal(await read(root, "/../../etc/passwd"), "inside");
  assert.equal(await read(root, "/escape"), undefined);
  assert.equal(await read(root, "/../secret"), undefined);
  assert.equal(await read(root, "/magic/passwd"), undefined);
  assert.equal(await read(root, "/etc/passwd/x"), undefined);
});

test("does not read what is too large, no file, or never ends", async (t) => {
  const { root } = await makeRoot(t);
  execFileSync("mkfifo", [path.join(root, "fifo")]);
  await symlink("loop", path.join(root, "loop"));
  assert.equal(await read(root, "etc/passwd", 6), "inside");
  await assert.rejects(read(root, "etc/passwd", 5), { code: "resource-exhausted" });
  await assert.rejects(read(root, "fifo"), { code: "invalid-argument", message: /cannot read fifo of the container/ });
  await assert.rejects(read(root, "etc"), { code: "invalid-argument" });
  await assert.rejects(read(root, "loop"), /ELOOP/);
});

test("makes directories inside the root, whatever the symlinks say", async (t) => {
  const { directory, root } = await makeRoot(t);
  await symlink(directory, path.join(root, "escape"));
  await symlink("../../sub", path.join(root, "etc", "dangling"));
  await files.ensureDirectory(root, "/a/b/c", attributes);
  const made = await lstat(path.join(root, "a", "b", "c"));
  assert.deepEqual([made.mode & 0o7777, made.uid, made.gid], [0o750, 1234, 4321]);
  assert.equal((await lstat(path.join(root, "etc"))).uid, 0);
  await files.ensureDirectory(root, "/escape/new", attributes);
  assert.ok((await lstat(path.join(root, directory, "new"))).isDirectory());
  await files.ensureDirectory(root, "/etc/dangling/x", attributes);
  assert.ok((await lstat(path.join(root, "sub", "x"))).isDirectory());
  await files.ensureDirectory(root, "/../../y", attributes);
  assert.deepEqual((await readdir(directory)).sort(), ["root", "secret"]);
  const before = await lstat(path.join(root, "etc"));
  await files.ensureDirectory(root, "/etc", attributes);
  assert.deepEqual(await lstat(path.join(root, "etc")), before);
});

test("says why a directory cannot be made", async (t) => {
  const { root } = await makeRoot(t);
  await symlink("loop2", path.join(root, "loop"));
  await symlink("loop", path.join(root, "loop2"));
  await assert.rejects(files.ensureDirectory(root, "/etc/passwd/x", attributes), {
    code: "failed-precondition",
    message: "cannot make directory /etc/passwd/x in the container: /etc/passwd is there but no directory",
  });
  await assert.rejects(files.ensureDirectory(root, "/loop/x", attributes), /cannot make directory .*(ELOOP|symlinks)/);
});

test("fills an empty volume with content, attributes and links", async (t) => {
  const { directory, root } = await makeRoot(t);
  const data = path.join(root, "data");
  const volume = path.join(directory, "volume");
  await mkdir(path.join(data, "sub"), { recursive: true });
  await mkdir(volume);
  await writeFile(path.join(data, "sub", "file"), "text");
  await link(path.join(data, "sub", "file"), path.join(data, "same"));
  await symlink("/etc/shadow", path.join(data, "link"));
  execFileSync("python3", ["-c", `import os; os.setxattr(${JSON.stringify(path.join(data, "same"))}, "user.a", b"b")`]);
  await chmod(path.join(data, "sub", "file"), 0o4755);
  await chown(data, 33, 34);
  await chmod(data, 0o1770);
  await utimes(data, 1, 1_000_000_000);
  await symlink("data", path.join(root, "alias"));
  await files.copyUp(root, "/alias", volume, { signal });
  assert.equal(await readFile(path.join(volume, "same"), "utf8"), "text");
  assert.equal(await readlink(path.join(volume, "link")), "/etc/shadow");
  const [same, file, top] = await Promise.all(
    ["same", "sub/file", "."].map(async (name) => await lstat(path.join(volume, name))),
  );
  assert.equal(same?.ino, file?.ino);
  assert.equal((file?.mode ?? 0) & 0o7777, 0o4755);
  assert.deepEqual([top?.uid, top?.gid, (top?.mode ?? 0) & 0o7777, top?.mtimeMs], [33, 34, 0o1770, 1e12]);
  const xattr = `import os; print(os.getxattr(${JSON.stringify(path.join(volume, "same"))}, "user.a").decode())`;
  assert.equal(execFileSync("python3", ["-c", xattr], { encoding: "utf8" }), "b\n");
  assert.deepEqual((await readdir(directory)).sort(), ["root", "secret", "volume"]);
});

test("leaves a volume alone that has data, or whose path the image does not have", async (t) => {
  const { directory, root } = await makeRoot(t);
  const volume = path.join(directory, "volume");
  await mkdir(volume);
  await symlink(directory, path.join(root, "escape"));
  for (const missing of ["/none", "/etc/passwd", "/escape"]) await files.copyUp(root, missing, volume, { signal });
  assert.deepEqual(await readdir(volume), []);
  await writeFile(path.join(volume, "mine"), "");
  await files.copyUp(root, "/etc", volume, { signal });
  assert.deepEqual(await readdir(volume), ["mine"]);
});

test("finishes or repeats a copy that was killed, and leaves nothing of one that was aborted", async (t) => {
  const { directory, root } = await makeRoot(t);
  const volume = path.join(directory, "volume");
  for (const name of ["volume", "volume.copying"]) await mkdir(path.join(directory, name));
  await writeFile(path.join(directory, "volume.copying", "half"), "");
  await assert.rejects(files.copyUp(root, "/etc", volume, { signal: AbortSignal.abort() }), { code: "cancelled" });
  assert.deepEqual((await readdir(directory)).sort(), ["root", "secret", "volume"]);
  await files.copyUp(root, "/etc", volume, { signal });
  assert.deepEqual(await readdir(volume), ["passwd"]);
  await mkdir(path.join(directory, "volume.copied"));
  await writeFile(path.join(directory, "volume.copied", "late"), "");
  await files.copyUp(root, "/etc", volume, { signal });
  assert.deepEqual((await readdir(volume)).sort(), ["late", "passwd"]);
  assert.deepEqual((await readdir(directory)).sort(), ["root", "secret", "volume"]);
});
