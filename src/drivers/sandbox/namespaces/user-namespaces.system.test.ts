// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, readlink, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import type { IdMapping } from "../../../base/id-mapping.ts";
import type { SandboxNamespaces, SandboxRequest } from "../../../core/sandboxes/sandboxer.ts";
import { mountPointsWithin, unmountAll } from "../../../linux/mount/unmount.ts";
import { openNamespaceSandboxer } from "./namespace-sandboxer.ts";

const signal = new AbortController().signal;
const run = promisify(execFile);
const range: IdMapping = { containerId: 0, hostId: 231_072, size: 65_536 };

function request(id: string, changes: Partial<SandboxRequest> = {}): SandboxRequest {
  const userNamespace = { uidMappings: [range], gidMappings: [{ ...range, hostId: 331_072 }] };
  return {
    id,
    hostname: `host-${id}`,
    network: "private",
    ipc: "private",
    uts: "private",
    sysctls: {},
    userNamespace,
    ...changes,
  };
}

async function makeState(t: TestContext): Promise<string> {
  const state = await mkdtemp(path.join(tmpdir(), "berth-user-namespaces-"));
  t.after(async () => {
    await unmountAll(state);
    await rm(state, { recursive: true });
  });
  return state;
}

/** What a shell prints as root of the user namespace, inside all that is pinned. */
async function inside(namespaces: SandboxNamespaces, script: string): Promise<readonly string[]> {
  const flags = { user: "user", network: "net", ipc: "ipc", uts: "uts" } as const;
  const enter = Object.entries(namespaces).map(([kind, file]) => `--${flags[kind as keyof typeof flags]}=${file}`);
  const { stdout } = await run("nsenter", [...enter, "-S", "0", "-G", "0", "sh", "-ec", script]);
  return stdout.trim().split("\n");
}

test("pins namespaces that belong to a user namespace with the mappings", async (t) => {
  const state = await makeState(t);
  await using sandboxer = await openNamespaceSandboxer({ stateDirectory: state });
  const namespaces = await sandboxer.create(request("one"), { signal });
  const directory = path.join(state, "namespaces", "one");
  assert.deepEqual(namespaces, {
    user: path.join(directory, "user"),
    network: path.join(directory, "net"),
    ipc: path.join(directory, "ipc"),
    uts: path.join(directory, "uts"),
  });
  assert.ok(await sandboxer.isWhole("one", namespaces));
  const maps = await inside(namespaces, "id -u; cat /proc/self/uid_map /proc/self/gid_map; hostname");
  assert.deepEqual(
    maps.map((line) => line.trim().split(/\s+/).join(" ")),
    ["0", "0 231072 65536", "0 331072 65536", "host-one"],
  );
  // Only who owns the network namespace may add an interface, or change the address of loopback.
  const links = await inside(namespaces, "ip link add name mine type veth peer name yours; ip -o link show dev mine");
  assert.match(links[0] ?? "", /mine@yours/);
  assert.match((await inside(namespaces, "ip -o addr show dev lo"))[0] ?? "", /inet 127\.0\.0\.1\/8/);
  await sandboxer.remove("one");
  assert.deepEqual(await readdir(path.join(state, "namespaces")), []);
});

test("sets what only root of the user namespace or of the host may set", async (t) => {
  const state = await makeState(t);
  await using sandboxer = await openNamespaceSandboxer({ stateDirectory: state });
  const sysctls = {
    "net.ipv4.ip_unprivileged_port_start": "1",
    "net.ipv4.ping_group_range": "0\t65535",
    "kernel.shm_rmid_forced": "1",
    "fs.mqueue.msg_max": "100",
  };
  const namespaces = await sandboxer.create(request("two", { sysctls, domainname: "example" }), { signal });
  const files = Object.keys(sysctls).map((name) => `/proc/sys/${name.replaceAll(".", "/")}`);
  const values = await inside(namespaces, `cat ${files.join(" ")} /proc/sys/kernel/domainname`);
  assert.deepEqual(values, [...Object.values(sysctls), "example"]);
  for (const [index, file] of files.entries()) {
    assert.notEqual((await readFile(file, "utf8")).trim(), values[index], `${file} leaked to the host`);
  }
  await sandboxer.remove("two");
  const named = await sandboxer.create(request("three", { sysctls: { "kernel.domainname": "other" } }), { signal });
  assert.deepEqual(await inside(named, "cat /proc/sys/kernel/domainname"), ["other"]);
  await sandboxer.remove("three");
});

test("makes a user namespace also when all else is the host's, and a new one each time", async (t) => {
  const state = await makeState(t);
  await using sandboxer = await openNamespaceSandboxer({ stateDirectory: state });
  const inodes = new Set([Number(/\d+/.exec(await readlink("/proc/self/ns/user"))?.[0])]);
  for (const id of ["a", "b"]) {
    const namespaces = await sandboxer.create(request(id, { network: "host", ipc: "host", uts: "host" }), { signal });
    assert.deepEqual(Object.keys(namespaces), ["user"]);
    inodes.add((await stat(namespaces.user ?? "")).ino);
    await sandboxer.remove(id);
  }
  assert.equal(inodes.size, 3);
});

test("leaves nothing behind when a step fails, and says which and why", async (t) => {
  const state = await makeState(t);
  await using sandboxer = await openNamespaceSandboxer({ stateDirectory: state });
  const create = async (changes: Partial<SandboxRequest>) => await sandboxer.create(request("x", changes), { signal });
  const withUsers = (...uidMappings: readonly IdMapping[]) => ({
    userNamespace: { uidMappings, gidMappings: [range] },
  });
  const bad = {
    "size 0": [{ ...range, size: 0 }],
    "no host id": [{ containerId: 0, size: 10 } as IdMapping],
    overlapping: [range, { ...range, containerId: 65_536, size: 1 }],
    nothing: [],
  };
  for (const [name, mappings] of Object.entries(bad)) {
    await assert.rejects(create(withUsers(...mappings)), { code: "invalid-argument", message: /user id/ }, name);
  }
  await assert.rejects(create({ sysctls: { "net.ipv4.no_such_thing": "1" } }), {
    code: "invalid-argument",
    message: /sandbox x: cannot set sysctl net\.ipv4\.no_such_thing to "1": open .*: ENOENT/,
  });
  await assert.rejects(create({ sysctls: { "net.ipv4.ping_group_range": "0 2147483647" } }), {
    code: "invalid-argument",
    message: /cannot set sysctl net\.ipv4\.ping_group_range .*: EINVAL/,
  });
  await assert.rejects(create({ hostname: "x".repeat(65) }), { code: "invalid-argument", message: /sethostname/ });
  assert.deepEqual(await readdir(path.join(state, "namespaces")), []);
  assert.deepEqual(await mountPointsWithin(path.join(state, "namespaces")), [path.join(state, "namespaces")]);
});

test("refuses host ids that the daemon itself does not have", async (t) => {
  const state = await makeState(t);
  // A daemon in a user namespace of its own has only what that maps.
  const script = `
    import { openNamespaceSandboxer } from ${JSON.stringify(path.join(import.meta.dirname, "namespace-sandboxer.ts"))};
    await using sandboxer = await openNamespaceSandboxer({ stateDirectory: ${JSON.stringify(state)} });
    await sandboxer.create(${JSON.stringify(request("x"))}, { signal: new AbortController().signal }).catch((error) => console.log(error.code, error.message));`;
  const parameters = ["--user", "--map-root-user", "--mount", process.execPath, "--input-type=module", "-e", script];
  const { stdout } = await run("unshare", parameters);
  assert.match(stdout, /^invalid-argument cannot make .* sandbox x: the kernel refuses the mappings; .*uid_map: EPERM/);
  assert.deepEqual(await readdir(path.join(state, "namespaces")), []);
});

test("undoes a sandbox whose request was aborted, and names the program that is missing", async (t) => {
  const state = await makeState(t);
  await using sandboxer = await openNamespaceSandboxer({ stateDirectory: state });
  const controller = new AbortController();
  const creating = sandboxer.create(request("late"), { signal: controller.signal });
  controller.abort();
  await assert.rejects(creating, { code: "cancelled" });
  await using unable = await openNamespaceSandboxer({ stateDirectory: state, userNamespaceProgram: "/no/such/userns" });
  await assert.rejects(unable.create(request("x"), { signal }), {
    code: "failed-precondition",
    message: /user namespaces need \/no\/such\/userns, which is not there/,
  });
  assert.deepEqual(await readdir(path.join(state, "namespaces")), []);
});

test("makes many at once", async (t) => {
  const state = await makeState(t);
  await using sandboxer = await openNamespaceSandboxer({ stateDirectory: state });
  const ids = Array.from({ length: 20 }, (_, index) => `many-${index}`);
  await Promise.all(ids.map(async (id) => await sandboxer.create(request(id), { signal })));
  assert.deepEqual(await sandboxer.list(), ids.toSorted());
  await Promise.all(ids.map(async (id) => await sandboxer.remove(id)));
  assert.deepEqual(await mountPointsWithin(path.join(state, "namespaces", "many-1")), []);
});
