// SPDX-License-Identifier: Apache-2.0
// A container in a user namespace, from its parts: the namespaces of the sandboxer, a root filesystem of the overlay
// snapshotter with mapped owners, and the newest shim and runc, for Debian's cannot do it.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cp, lstat, mkdir, readFile, readlink, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import type { IdMapping } from "../../src/base/id-mapping.ts";
import type { Mount } from "../../src/core/mounts/mount.ts";
import type { SandboxNamespaces } from "../../src/core/sandboxes/sandboxer.ts";
import type { RuntimeHandler, TaskRequest } from "../../src/core/tasks/task-runtime.ts";
import { createMountActivator } from "../../src/drivers/mounts/linux/mount-activator.ts";
import { Fixture, signal } from "../../src/drivers/runtime/shim/testing/fixture.ts";
import { openNamespaceSandboxer } from "../../src/drivers/sandbox/namespaces/namespace-sandboxer.ts";
import { makeOverlayBed } from "../../src/drivers/snapshot/overlay/testing/overlay-bed.ts";
import { openMemoryStore } from "../../src/storage/memory/memory-store.ts";
import { assertNoLeaks, snapshotMachine } from "../support/leaks.ts";

const script = path.join(import.meta.dirname, "../../tools/build-peers.sh");
const peers = spawnSync(script, { encoding: "utf8" });
assert.ok(peers.status === 0 || peers.status === 3, peers.stderr);
const skip = peers.status === 3 ? peers.stderr.trim() : false;

const handler: RuntimeHandler = {
  name: "newest-runc",
  driver: "shim",
  shim: path.join(peers.stdout.trim(), "containerd-shim-runc-v2"),
  binary: path.join(peers.stdout.trim(), "runc"),
  systemdCgroup: false,
};

const users: IdMapping = { containerId: 0, hostId: 623_616, size: 65_536 };
const groups: IdMapping = { ...users, hostId: 723_616 };
const idMappings = { uidMappings: [users], gidMappings: [groups] };

const machine = await snapshotMachine();
const marks: string[] = [];
after(async () => await assertNoLeaks(machine, { marks }));
before(() => assert.equal(process.getuid?.(), 0));

/** A runtime, a sandbox with a user namespace, and a snapshot of two layers for its container. */
async function openPod() {
  await using undo = new AsyncDisposableStack();
  const fixture = undo.use(await Fixture.open(handler));
  marks.push(fixture.name);
  const bed = undo.use(await makeOverlayBed(openMemoryStore()));
  const plain = createMountActivator();
  /** Commits what the function leaves in the directory. */
  const commit = async (name: string, parent: string | undefined, write: (directory: string) => Promise<void>) => {
    const directory = path.join(fixture.state, "layer");
    await plain.activate(directory, await bed.snapshotter.prepare(`${name}-work`, parent, { signal }));
    await write(directory);
    await plain.deactivate(directory);
    await bed.snapshotter.commit(name, `${name}-work`, { signal });
  };
  await commit("base", undefined, async (directory) => {
    await cp(fixture.rootfs, directory, { recursive: true, verbatimSymlinks: true });
    for (const name of ["sys", "vol", "gone"]) await mkdir(path.join(directory, name));
  });
  await commit("top", "base", async (directory) => await writeFile(path.join(directory, "etc/top"), "top\n"));
  const sandboxer = undo.use(await openNamespaceSandboxer({ stateDirectory: fixture.state }));
  const sandboxId = `pod-${fixture.name}`;
  undo.defer(async () => await sandboxer.remove(sandboxId));
  const rootfs = path.join(fixture.state, "rootfs", "container");
  undo.defer(async () => await plain.deactivate(rootfs));
  const sysctls = { "net.ipv4.ip_unprivileged_port_start": "7" };
  const own = { network: "private", ipc: "private", uts: "private" } as const;
  const namespaces = await sandboxer.create(
    { id: sandboxId, hostname: "remapped", ...own, sysctls, userNamespace: idMappings },
    { signal },
  );
  const resources = undo.move();
  return { fixture, bed, namespaces, rootfs, [Symbol.asyncDispose]: async () => await resources.disposeAsync() };
}

/** The request of a container that joins the sandbox; a bind of its own is mapped by the runtime. */
function inPod(request: TaskRequest, rootfs: string, namespaces: SandboxNamespaces, volume: string): TaskRequest {
  const { user = "", network = "", ipc = "", uts = "" } = namespaces;
  const runtimeRanges = ({ containerId, hostId, size }: IdMapping) => [
    { containerID: containerId, hostID: hostId, size },
  ];
  const { spec } = request;
  return {
    ...request,
    rootfs,
    stdioOwner: { uid: users.hostId, gid: groups.hostId },
    spec: {
      ...spec,
      root: { path: "rootfs" },
      mounts: [
        ...spec.mounts,
        { destination: "/sys", type: "sysfs", source: "sysfs", options: ["nosuid", "noexec", "nodev", "ro"] },
        { destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: ["nosuid", "noexec", "nodev"] },
        {
          destination: "/vol",
          type: "bind",
          source: volume,
          options: ["rbind", "rprivate"],
          uidMappings: runtimeRanges(users),
          gidMappings: runtimeRanges(groups),
        },
      ],
      linux: {
        ...spec.linux,
        namespaces: [
          { type: "user", path: user },
          { type: "network", path: network },
          { type: "ipc", path: ipc },
          { type: "uts", path: uts },
          { type: "pid" },
          { type: "mount" },
        ],
      },
    },
  };
}

const work = `
  id -u; id -g; cat /proc/self/uid_map /proc/self/gid_map /etc/top /proc/sys/kernel/hostname
  cat /proc/sys/net/ipv4/ip_unprivileged_port_start
  echo new > /new; echo more >> /etc/top; mkdir /made; rmdir /gone; echo kept > /vol/kept
  test -O /etc/plain && test -O /bin/busybox && test -O /vol && echo mine
  echo > /dev/null && echo null > /proc/self/fd/1
  test -d /sys/class/net/lo && echo lo`;

test("a container in a user namespace is root inside and nobody outside, and its files stay root's", {
  skip,
}, async () => {
  await using pod = await openPod();
  const { fixture, bed, namespaces, rootfs } = pod;
  const mounts: readonly Mount[] = await bed.snapshotter.prepare("container", "top", { signal });
  const activator = createMountActivator();
  const volume = path.join(fixture.state, "volume");
  await mkdir(path.dirname(rootfs), { mode: 0o711 });
  await mkdir(volume);
  await activator.activate(rootfs, mounts, { idMappings });
  await using streams = await fixture.streams({ stdin: true }).open();
  const args = ["/bin/sh", "-ec", `${work}; echo ready; read line`];
  const request = inPod(fixture.request(args, streams.stdio), rootfs, namespaces, volume);
  const task = await fixture.runtime.create(request, { signal });
  await task.start({ signal });
  await streams.until("ready");

  const words = (text: string) => text.trim().split(/\s+/);
  assert.deepEqual(words(await readFile(`/proc/${task.pid}/uid_map`, "utf8")), ["0", "623616", "65536"]);
  assert.deepEqual(words(await readFile(`/proc/${task.pid}/gid_map`, "utf8")), ["0", "723616", "65536"]);
  for (const [kind, pin] of [["user", namespaces.user], ["net", namespaces.network]] as const) {
    assert.equal(await readlink(`/proc/${task.pid}/ns/${kind}`), `${kind}:[${(await stat(pin ?? "")).ino}]`);
  } // biome-ignore format: a table
  assert.equal((await stat(`/proc/${task.pid}`)).uid, users.hostId);
  await using more = await fixture.streams().open();
  const exec = await task.exec(
    "more",
    fixture.process(["/bin/sh", "-c", "id -u; cat /new > /proc/self/fd/1"]),
    more.stdio,
    { signal },
  );
  await exec.start({ signal });
  assert.equal((await exec.wait({ signal })).exitCode, 0);
  assert.equal(await more.end(), "0\nnew\n");
  await exec.delete({ signal });
  await using screen = await fixture.streams({ terminal: true }).open();
  const typing = fixture.process(["/bin/sh", "-c", "tty; echo seen > /dev/tty"], true);
  const terminal = await task.exec("terminal", typing, screen.stdio, { signal });
  await terminal.start({ signal });
  assert.equal((await terminal.wait({ signal })).exitCode, 0);
  assert.equal(await screen.end(), "/dev/pts/0\r\nseen\r\n");
  await terminal.delete({ signal });

  streams.write("\n");
  assert.equal((await task.wait({ signal })).exitCode, 0);
  const lines = (await streams.end())
    .trim()
    .split("\n")
    .map((line) => words(line).join(" "));
  const expected = [
    "0",
    "0",
    "0 623616 65536",
    "0 723616 65536",
    "top",
    "remapped",
    "7",
    "mine",
    "null",
    "lo",
    "ready",
  ];
  assert.deepEqual(lines, expected);
  await task.delete({ signal });
  await activator.deactivate(rootfs);
  assert.deepEqual(await activator.list(path.dirname(rootfs)), []);

  const own =
    /upperdir=(.*)/.exec(mounts[0]?.options.find((option) => option.startsWith("upperdir=")) ?? "")?.[1] ?? "";
  const stored = [path.join(own, "new"), path.join(own, "etc/top"), path.join(own, "made"), path.join(volume, "kept")];
  for (const file of [...stored, path.join(own, "gone")]) {
    const { uid, gid } = await lstat(file);
    assert.deepEqual({ file, uid, gid }, { file, uid: 0, gid: 0 });
  }
  // Another container without a user namespace sees them as root's.
  await activator.activate(rootfs, mounts);
  assert.equal(await readFile(path.join(rootfs, "etc/top"), "utf8"), "top\nmore\n");
  await activator.deactivate(rootfs);
});
