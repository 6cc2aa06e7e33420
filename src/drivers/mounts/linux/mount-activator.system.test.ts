// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmod, mkdir, mkdtemp, open, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { isEngineError } from "../../../base/errors.ts";
import { mountOf, readMounts } from "../../../linux/mount/mountinfo.ts";
import { unmountAll } from "../../../linux/mount/unmount.ts";
import { createMountActivator } from "./mount-activator.ts";

const tmpfs = (...options: string[]) => ({ type: "tmpfs", source: "tmpfs", options: ["size=1m", ...options] });
const bind = (source: string, ...options: string[]) => ({ type: "bind", source, options });

async function workspace(t: TestContext): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), "berth-mounts-"));
  t.after(async () => {
    await unmountAll(directory);
    await rm(directory, { recursive: true });
  });
  return directory;
}

async function optionsAt(target: string): Promise<readonly string[]> {
  return mountOf(target, await readMounts())?.options ?? [];
}

test("mounts a list in order, and takes all of it away", async (t) => {
  const directory = await workspace(t);
  const target = path.join(directory, "with space", "target");
  const activator = createMountActivator();
  await activator.activate(target, [tmpfs(), tmpfs("nosuid", "nodev", "noexec", "ro")]);
  assert.deepEqual(await activator.list(directory), [target]);
  const options = await optionsAt(target);
  assert.ok(["ro", "nosuid", "nodev", "noexec"].every((option) => options.includes(option)));
  await activator.deactivate(target);
  await activator.deactivate(target);
  assert.deepEqual(await activator.list(directory), []);
  await assert.rejects(stat(target), { code: "ENOENT" });
});

test("replaces what an earlier activation left", async (t) => {
  const target = path.join(await workspace(t), "target");
  await createMountActivator().activate(target, [tmpfs(), tmpfs()]);
  await createMountActivator().activate(target, [tmpfs("mode=711")]);
  assert.equal((await readMounts()).filter((entry) => entry.mountPoint === target).length, 1);
});

test("undoes the first mounts when a later one fails, and says which and why", async (t) => {
  const directory = await workspace(t);
  const target = path.join(directory, "target");
  const activator = createMountActivator();
  const missing = path.join(directory, "missing");
  await assert.rejects(activator.activate(target, [tmpfs(), bind(missing)]), (error: unknown) => {
    assert.ok(isEngineError(error));
    assert.equal(error.code, "not-found");
    assert.match(error.message, new RegExp(`cannot mount on ${target}: mount ${missing} on ${target}: ENOENT`));
    return true;
  });
  assert.deepEqual(await activator.list(directory), []);
});

test("makes a bind read-only, alone or with all below it", async (t) => {
  const directory = await workspace(t);
  const source = path.join(directory, "source");
  const activator = createMountActivator();
  await activator.activate(source, [tmpfs()]);
  await mkdir(path.join(source, "inner"));
  await activator.activate(path.join(source, "inner"), [tmpfs()]);
  const plain = path.join(directory, "plain");
  await activator.activate(plain, [bind(source, "rbind", "ro", "rprivate")]);
  await assert.rejects(writeFile(path.join(plain, "file"), ""), { code: "EROFS" });
  await writeFile(path.join(plain, "inner", "file"), "");
  const recursive = path.join(directory, "recursive");
  await activator.activate(recursive, [bind(source, "rbind", "rro", "rprivate")]);
  await assert.rejects(writeFile(path.join(recursive, "inner", "file"), ""), { code: "EROFS" });
  await activator.deactivate(recursive);
  assert.ok((await activator.list(directory)).includes(path.join(source, "inner")));
});

test("changes the propagation of a mount", async (t) => {
  const directory = await workspace(t);
  const target = path.join(directory, "target");
  await createMountActivator().activate(target, [tmpfs("rshared")]);
  assert.notEqual(mountOf(target, await readMounts())?.sharedGroup, undefined);
});

test("detaches a mount that stays busy", async (t) => {
  const target = path.join(await workspace(t), "target");
  const activator = createMountActivator();
  await activator.activate(target, [tmpfs()]);
  await using file = await open(path.join(target, "file"), "w");
  await activator.deactivate(target);
  assert.deepEqual(await activator.list(target), []);
  await file.write("the open file still works");
});

test("mounts an overlay of more layers than fit a page of options", async (t) => {
  const directory = await workspace(t);
  const layers = Array.from({ length: 60 }, (_, index) => path.join(directory, `layer-${"x".repeat(60)}-${index}:`));
  const [upper, work] = [path.join(directory, "upper"), path.join(directory, "work")];
  // The upper directory may lie on an overlay itself where the tests run in a container: a tmpfs of our own never does.
  await createMountActivator().activate(directory, [tmpfs()]);
  await Promise.all([...layers, upper, work].map(async (layer) => await mkdir(layer)));
  await Promise.all(layers.map(async (layer, index) => await writeFile(path.join(layer, `file-${index}`), layer)));
  const lower = layers.map((layer) => layer.replaceAll(":", "\\:")).join(":");
  const target = path.join(directory, "target");
  const options = [`lowerdir=${lower}`, `upperdir=${upper}`, `workdir=${work}`, "nodev"];
  await createMountActivator().activate(target, [{ type: "overlay", source: "overlay", options }]);
  assert.equal((await readdir(target)).length, 60);
  assert.equal(await readFile(path.join(target, "file-59"), "utf8"), layers[59]);
  assert.ok((await optionsAt(target)).includes("nodev"));
  await writeFile(path.join(target, "new"), "");
  assert.deepEqual(await readdir(upper), ["new"]);
});

test("a guarded target cannot be reached by another user, but for root of its user namespace", async (t) => {
  const directory = await workspace(t);
  await chmod(directory, 0o711);
  const target = path.join(directory, "guard", "target");
  const activator = createMountActivator();
  const modeOfGuard = async () => {
    const { mode, uid, gid } = await stat(path.dirname(target));
    return [(mode & 0o777).toString(8), uid, gid];
  };
  await activator.activate(target, [tmpfs("mode=755")], { guarded: true });
  assert.deepEqual(await modeOfGuard(), ["700", 0, 0]);
  const asNobody = ["--reuid=65534", "--regid=65534", "--clear-groups", "ls", target];
  assert.notEqual(spawnSync("setpriv", asNobody).status, 0);
  await activator.deactivate(target, { guarded: true });
  await assert.rejects(stat(path.dirname(target)), { code: "ENOENT" });
  await activator.deactivate(target, { guarded: true });
  const ids = [{ containerId: 0, hostId: 100_000, size: 65_536 }];
  const source = path.join(directory, "source");
  await mkdir(source);
  const idMappings = { uidMappings: ids, gidMappings: ids };
  await activator.activate(target, [bind(source, "rbind")], { guarded: true, idMappings });
  assert.deepEqual(await modeOfGuard(), ["710", 0, 100_000]);
  const asMapped = ["--reuid=100000", "--regid=100000", "--clear-groups", "ls", target];
  assert.equal(spawnSync("setpriv", asMapped).status, 0);
  await activator.deactivate(target, { guarded: true });
});
