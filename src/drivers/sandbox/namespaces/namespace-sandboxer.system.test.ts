// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import type { SandboxRequest } from "../../../core/sandboxes/sandboxer.ts";
import { mountOne } from "../../../linux/mount/mount-all.ts";
import { mountOf, readMounts } from "../../../linux/mount/mountinfo.ts";
import { mountPointsWithin, unmountAll } from "../../../linux/mount/unmount.ts";
import { openNamespaceSandboxer } from "./namespace-sandboxer.ts";

const signal = new AbortController().signal;
const run = promisify(execFile);

function request(id: string, changes: Partial<SandboxRequest> = {}): SandboxRequest {
  return { id, hostname: `host-${id}`, network: "private", ipc: "private", uts: "private", sysctls: {}, ...changes };
}

async function makeState(t: TestContext): Promise<string> {
  const state = await mkdtemp(path.join(tmpdir(), "berth-namespaces-"));
  t.after(async () => {
    await unmountAll(state);
    await rm(state, { recursive: true });
  });
  return state;
}

/** What a command prints inside the pinned namespaces. */
async function inside(namespaces: { network?: string; ipc?: string; uts?: string }, ...command: string[]) {
  const flags = { network: "net", ipc: "ipc", uts: "uts" } as const;
  const enter = Object.entries(namespaces).map(([kind, file]) => `--${flags[kind as keyof typeof flags]}=${file}`);
  return (await run("nsenter", [...enter, ...command])).stdout.trim();
}

test("pins new namespaces with a hostname, a loopback interface that is up, and sysctls", async (t) => {
  const state = await makeState(t);
  await using sandboxer = await openNamespaceSandboxer({ stateDirectory: state });
  const sysctls = {
    "net.ipv4.ip_unprivileged_port_start": "1",
    "kernel.shm_rmid_forced": "1",
    "fs.mqueue.msg_max": "100",
    "kernel.domainname": "example",
  };
  const namespaces = await sandboxer.create(request("one", { sysctls }), { signal });
  assert.equal(namespaces.network, path.join(state, "namespaces", "one", "net"));
  assert.equal(await inside(namespaces, "hostname"), "host-one");
  assert.match(await inside(namespaces, "ip", "-o", "addr", "show", "dev", "lo"), /inet 127\.0\.0\.1\/8/);
  for (const [name, value] of Object.entries(sysctls)) {
    const file = `/proc/sys/${name.replaceAll(".", "/")}`;
    assert.equal(await inside(namespaces, "cat", file), value);
    assert.notEqual((await readFile(file, "utf8")).trim(), value, `${name} leaked to the host`);
  }
  assert.equal((await run("hostname")).stdout.trim(), hostname());
  assert.deepEqual(await sandboxer.list(), ["one"]);
  await sandboxer.remove("one");
  await sandboxer.remove("one");
  assert.deepEqual(await sandboxer.list(), []);
  assert.deepEqual(await readdir(path.join(state, "namespaces")), []);
});

test("makes only the namespaces that are private, and always new ones", async (t) => {
  const state = await makeState(t);
  await using sandboxer = await openNamespaceSandboxer({ stateDirectory: state });
  assert.deepEqual(
    await sandboxer.create(request("host", { network: "host", ipc: "host", uts: "host" }), { signal }),
    {},
  );
  const first = await sandboxer.create(request("a", { network: "host", ipc: "host" }), { signal });
  assert.deepEqual(Object.keys(first), ["uts"]);
  const inodes = new Set<number>();
  for (const id of ["b", "c", "d"]) {
    const { network } = await sandboxer.create(request(id, { hostname: "" }), { signal });
    inodes.add((await stat(network ?? "")).ino);
  }
  const own = Number(/\d+/.exec(await readlink("/proc/self/ns/net"))?.[0]);
  assert.equal(new Set([...inodes, own]).size, 4);
  for (const id of ["a", "b", "c", "d"]) await sandboxer.remove(id);
});

test("leaves nothing behind when a sysctl is refused, and says which and why", async (t) => {
  const state = await makeState(t);
  await using sandboxer = await openNamespaceSandboxer({ stateDirectory: state });
  const create = async (sysctls: Record<string, string>, changes: Partial<SandboxRequest> = {}) =>
    await sandboxer.create(request("x", { sysctls, ...changes }), { signal });
  await assert.rejects(create({ "net.ipv4.no_such_thing": "1" }), {
    code: "invalid-argument",
    message: /sandbox x: cannot set sysctl net\.ipv4\.no_such_thing to "1": ENOENT/,
  });
  await assert.rejects(create({ "net.ipv4.ip_forward": "many" }), { code: "invalid-argument", message: /EINVAL/ });
  await assert.rejects(create({ "vm.swappiness": "1" }), { message: /does not belong to a namespace/ });
  await assert.rejects(create({ "kernel.shm_rmid_forced": "1+kernel.core_pattern=x" }), { code: "invalid-argument" });
  await assert.rejects(create({ "net.ipv4.ip_forward": "1" }, { network: "host" }), {
    message: /shares the host's network namespace/,
  });
  await assert.rejects(create({}, { hostname: "x".repeat(65) }), { code: "invalid-argument" });
  await assert.rejects(sandboxer.create(request("../x"), { signal }), { message: /invalid sandbox id/ });
  assert.deepEqual(await readdir(path.join(state, "namespaces")), []);
  await sandboxer.create(request("x"), { signal });
  await assert.rejects(sandboxer.create(request("x"), { signal }), { code: "already-exists" });
  await sandboxer.remove("x");
});

test("keeps the pins for the next daemon and cleans up what one that was killed left half-made", async (t) => {
  const state = await makeState(t);
  {
    await using sandboxer = await openNamespaceSandboxer({ stateDirectory: state });
    await sandboxer.create(request("kept"), { signal });
  }
  const directory = path.join(state, "namespaces");
  await mkdir(path.join(directory, ".half"));
  await writeFile(path.join(directory, ".half", "net"), "");
  mountOne({ type: "bind", source: "/proc/self/ns/net", options: ["bind"] }, path.join(directory, ".half", "net"));
  await mkdir(path.join(directory, "rebooted"));
  await writeFile(path.join(directory, "rebooted", "net"), "");
  {
    await using sandboxer = await openNamespaceSandboxer({ stateDirectory: state });
    assert.deepEqual(await sandboxer.list(), ["kept"]);
    assert.deepEqual(await readdir(directory), ["kept"]);
    await sandboxer.remove("kept");
  }
  assert.deepEqual(await mountPointsWithin(state), []);
});

test("does not let pins propagate, though the state directory is on a shared mount", async (t) => {
  const state = await makeState(t);
  mountOne({ type: "bind", source: state, options: ["bind", "shared"] }, state);
  await using sandboxer = await openNamespaceSandboxer({ stateDirectory: state });
  const { network } = await sandboxer.create(request("quiet"), { signal });
  const pin = mountOf(network ?? "", await readMounts());
  assert.equal(pin?.type, "nsfs");
  assert.equal(pin?.sharedGroup, undefined);
  await sandboxer.remove("quiet");
});

test("makes many at once, also after its thread died", async (t) => {
  const state = await makeState(t);
  const broken = new URL(`data:text/javascript,${encodeURIComponent("process.exit(1)")}`);
  await using unable = await openNamespaceSandboxer({ stateDirectory: state, workerUrl: broken });
  await assert.rejects(unable.create(request("x"), { signal }), { code: "unavailable" });
  await assert.rejects(unable.create(request("x"), { signal }), { code: "unavailable" });
  await using sandboxer = await openNamespaceSandboxer({ stateDirectory: state });
  const ids = Array.from({ length: 20 }, (_, index) => `many-${index}`);
  await Promise.all(ids.map(async (id) => await sandboxer.create(request(id), { signal })));
  assert.equal((await sandboxer.list()).length, ids.length);
  await Promise.all(ids.map(async (id) => await sandboxer.remove(id)));
  assert.deepEqual(await sandboxer.list(), []);
});

test("undoes a sandbox whose request was aborted", async (t) => {
  const state = await makeState(t);
  await using sandboxer = await openNamespaceSandboxer({ stateDirectory: state });
  const controller = new AbortController();
  const creating = sandboxer.create(request("late"), { signal: controller.signal });
  controller.abort();
  await assert.rejects(creating, { code: "cancelled" });
  assert.deepEqual(await readdir(path.join(state, "namespaces")), []);
});
