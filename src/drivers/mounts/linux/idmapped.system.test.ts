// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chown, lstat, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import type { IdMapping } from "../../../base/id-mapping.ts";
import { mountOne } from "../../../linux/mount/mount-all.ts";
import { mountOf, readMounts } from "../../../linux/mount/mountinfo.ts";
import { unmountAll } from "../../../linux/mount/unmount.ts";
import { pinUserNamespace } from "../../../linux/namespaces/user-namespace.ts";
import { createMountActivator } from "./mount-activator.ts";

const run = promisify(execFile);
const program = path.join(import.meta.dirname, "../../../../build/native/berth-userns");
const range: IdMapping = { containerId: 0, hostId: 423_168, size: 65_536 };
const groups: IdMapping = { ...range, hostId: 523_168 };
const idMappings = { uidMappings: [range], gidMappings: [groups] };
const bind = (source: string, ...options: string[]) => ({ type: "bind", source, options });
const overlay = (...options: string[]) => ({ type: "overlay", source: "overlay", options });

/** Directories on a tmpfs, which takes idmapped mounts and overlays wherever the tests run. */
async function workspace(t: TestContext, ...names: readonly string[]) {
  const directory = await mkdtemp(path.join(tmpdir(), "berth-idmapped-"));
  t.after(async () => {
    await unmountAll(directory);
    await rm(directory, { recursive: true });
  });
  mountOne({ type: "tmpfs", source: "tmpfs", options: ["size=4m", "mode=711"] }, directory);
  for (const name of names) await mkdir(path.join(directory, name), { recursive: true });
  return { directory, at: (name: string) => path.join(directory, name) };
}

/** Runs a shell as root of a user namespace with the mappings. */
async function asRoot(directory: string, script: string): Promise<string> {
  const place = path.join(directory, "pin");
  await mkdir(place);
  try {
    const pin = await pinUserNamespace(place, idMappings, { program, signal: new AbortController().signal });
    const parameters = [`--user=${pin}`, "-S", "0", "-G", "0", "sh", "-ec", script];
    return (await run("nsenter", parameters)).stdout;
  } finally {
    await unmountAll(place);
    await rm(place, { recursive: true });
  }
}

async function ownersOf(...files: readonly string[]): Promise<readonly string[]> {
  return await Promise.all(files.map(async (file) => await lstat(file).then(({ uid, gid }) => `${uid}:${gid}`)));
}

test("shows an overlay with mapped owners, and keeps on disk what root of the container writes as root's", async (t) => {
  const { directory, at } = await workspace(t, "low", "base/sub", "own/fs", "own/work");
  await writeFile(at("low/root"), "root's");
  await writeFile(at("base/user"), "user's", { mode: 0o644 });
  await chown(at("base/user"), 1000, 50);
  await writeFile(at("base/gone"), "");
  const activator = createMountActivator();
  const options = [`lowerdir=${at("low")}:${at("base")}`, `upperdir=${at("own/fs")}`, `workdir=${at("own/work")}`];
  await activator.activate(at("target"), [overlay(...options, "nodev")], { idMappings });
  const [root, user] = ["423168:523168", "424168:523218"];
  assert.deepEqual(await ownersOf(at("target"), at("target/root"), at("target/user")), [root, root, user]);
  const seen = await asRoot(
    directory,
    `cd ${at("target")}; echo new > new; echo more >> user; mkdir made; ln -s new link; rm gone; mv root moved
     chown 5:6 made; chmod 4755 new; stat -c %u:%g new user made`,
  );
  assert.deepEqual(seen.trim().split("\n"), ["0:0", "1000:50", "5:6"]);
  const own = ["new", "user", "made", "link", "moved", "gone"].map((name) => at(`own/fs/${name}`));
  assert.deepEqual(await ownersOf(...own), ["0:0", "1000:50", "5:6", "0:0", "0:0", "0:0"]);
  assert.equal((await stat(at("own/fs/new"))).mode & 0o7777, 0o4755);
  assert.ok((await lstat(at("own/fs/gone"))).isCharacterDevice(), "a whiteout");
  assert.equal(await readFile(at("target/user"), "utf8"), "user'smore\n");
  const options_ = mountOf(at("target"), await readMounts())?.options ?? [];
  assert.ok(options_.includes("nodev") && options_.includes("rw"), options_.join());
  assert.deepEqual(await activator.list(directory), [directory, at("target")]);
  await activator.deactivate(at("target"));
  assert.deepEqual(await activator.list(directory), [directory]);
  assert.deepEqual((await readdir(directory)).toSorted(), ["base", "low", "own"]);
});

test("shows a single layer with mapped owners, writable or read-only", async (t) => {
  const { directory, at } = await workspace(t, "layer");
  await writeFile(at("layer/file"), "");
  const activator = createMountActivator();
  await activator.activate(at("view"), [bind(at("layer"), "rbind", "ro")], { idMappings });
  await activator.activate(at("active"), [bind(at("layer"), "rbind", "rw")], { idMappings });
  assert.deepEqual(await ownersOf(at("view/file"), at("active/file")), ["423168:523168", "423168:523168"]);
  await assert.rejects(asRoot(directory, `touch ${at("view/new")}`), /Read-only file system/);
  await asRoot(directory, `touch ${at("active/new")}`);
  assert.deepEqual(await ownersOf(at("layer/new"), at("view/new")), ["0:0", "423168:523168"]);
});

test("mounts a list in order, with the propagation that it asks for, in place of what was there", async (t) => {
  const { at } = await workspace(t, "first", "second");
  await writeFile(at("second/file"), "");
  const activator = createMountActivator();
  const tmpfs = { type: "tmpfs", source: "tmpfs", options: ["mode=755"] };
  await activator.activate(at("target"), [tmpfs, tmpfs]);
  await activator.activate(at("target"), [tmpfs, bind(at("second"), "bind", "rshared")], { idMappings });
  assert.deepEqual(await ownersOf(at("target"), at("target/file")), ["423168:523168", "423168:523168"]);
  const mounts = (await readMounts()).filter((entry) => entry.mountPoint === at("target"));
  assert.equal(mounts.length, 2);
  assert.notEqual(mounts[1]?.sharedGroup, undefined);
});

test("stacks more layers than fit a page of options, and leaves no mount of theirs", async (t) => {
  const names = Array.from({ length: 300 }, (_, index) => `${index}/fs`);
  const { directory, at } = await workspace(t, ...names);
  await Promise.all(names.map(async (name, index) => await writeFile(at(`${name}/file-${index}`), "")));
  const activator = createMountActivator();
  await activator.activate(at("target"), [overlay(`lowerdir=${names.map(at).join(":")}`, "ro")], { idMappings });
  assert.equal((await readdir(at("target"))).length, 300);
  assert.deepEqual(await ownersOf(at("target/file-0"), at("target/file-299")), ["423168:523168", "423168:523168"]);
  assert.deepEqual(await activator.list(directory), [directory, at("target")]);
});

test("says why when it cannot be, and leaves nothing mounted", async (t) => {
  const { directory, at } = await workspace(t, "layer", "far/work");
  const activator = createMountActivator();
  const unable = createMountActivator({ userNamespaceProgram: "/no/such/userns" });
  const activate = async (mount: ReturnType<typeof bind>, mappings = idMappings, by = activator) =>
    await by.activate(at("target"), [mount], { idMappings: mappings });
  await assert.rejects(activate(bind("/proc/sys", "rbind")), {
    code: "failed-precondition",
    message: /cannot mount on .*target: cannot mount \/proc\/sys idmapped: .*EINVAL/,
  });
  const far = overlay(`lowerdir=${at("layer")}`, `upperdir=${at("layer")}`, `workdir=${at("far/work")}`);
  await assert.rejects(activate(far), { code: "failed-precondition", message: /does not lie beside it/ });
  await assert.rejects(activate(overlay(`lowerdir=${at("none")}`)), { code: "not-found", message: /none/ });
  const empty = { ...idMappings, uidMappings: [{ ...range, size: 0 }] };
  await assert.rejects(activate(bind(at("layer")), empty), { code: "invalid-argument" });
  await assert.rejects(activate(bind(at("layer")), idMappings, unable), {
    code: "failed-precondition",
    message: /no\/such\/userns/,
  });
  assert.deepEqual(await activator.list(directory), [directory]);
});

test("removes what a daemon that was killed left half-made", async (t) => {
  const { directory, at } = await workspace(t, "layer", "target");
  mountOne({ type: "tmpfs", source: "berth-idmap", options: ["private"] }, at("target"));
  await mkdir(at("target/0"));
  mountOne(bind(at("layer"), "bind"), at("target/0"));
  const activator = createMountActivator();
  await activator.deactivate(at("target"));
  assert.deepEqual(await activator.list(directory), [directory]);
  assert.deepEqual(await readdir(directory), ["layer"]);
});

test("tells whether a directory can be idmapped, and leaves nothing in it", async (t) => {
  const { directory, at } = await workspace(t, "snapshots/.idmap-trial/lower/left");
  const activator = createMountActivator();
  assert.deepEqual(await activator.canIdmap(at("snapshots")), { possible: true });
  assert.deepEqual(await readdir(at("snapshots")), []);
  assert.deepEqual(await activator.list(directory), [directory]);
  const inProc = await activator.canIdmap("/proc/sys");
  assert.equal(inProc.possible, false);
  const unable = createMountActivator({ userNamespaceProgram: "/no/such/userns" });
  const without = await unable.canIdmap(at("snapshots"));
  assert.ok(!without.possible && /no\/such\/userns/.test(without.reason));
  assert.deepEqual(await readdir(at("snapshots")), []);
});

test("keeps the daemon's own ids", async (t) => {
  const { at } = await workspace(t, "own/fs", "own/work", "low");
  const identity = async () => (await readFile("/proc/thread-self/status", "utf8")).match(/^(Uid|Gid|Cap\w+):.*$/gm);
  const before = await identity();
  const options = [`lowerdir=${at("low")}`, `upperdir=${at("own/fs")}`, `workdir=${at("own/work")}`];
  const activator = createMountActivator();
  await activator.activate(at("target"), [overlay(...options)], { idMappings });
  await writeFile(at("own/daemon"), "");
  assert.deepEqual(await ownersOf(at("own/daemon")), ["0:0"]);
  assert.deepEqual(await identity(), before);
});
