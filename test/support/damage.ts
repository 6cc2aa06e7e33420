// SPDX-License-Identifier: Apache-2.0
// What can happen to a pod behind the daemon's back: processes killed, files deleted, mounts taken away.

import assert from "node:assert/strict";
import { readdir, readFile, rm } from "node:fs/promises";
import path from "node:path";
import { detach, mountPointsWithin } from "../../src/linux/mount/unmount.ts";
import type { CriTester } from "./cri-client.ts";
import type { TestDaemon } from "./daemon.ts";

export interface DamagedPod {
  readonly daemon: TestDaemon;
  readonly podId: string;
  readonly containerId: string;
  /** On the host: of the process that stands for the pod, and of the container's. */
  readonly podPid: number;
  readonly containerPid: number;
}

/** A pod with processes and a network of its own and a running container. */
export async function damagedPod(daemon: TestDaemon, cri: CriTester): Promise<DamagedPod> {
  const podId = await cri.runPod({}, {});
  const containerId = await cri.start(podId, {
    logPath: "c.log",
    mounts: [{ containerPath: "/image", image: { image: "busybox:latest" }, readonly: true }],
  } as never);
  const pod = await cri.runtime.podSandboxStatus({ podSandboxId: podId, verbose: true });
  const container = await cri.runtime.containerStatus({ containerId, verbose: true });
  return { daemon, podId, containerId, podPid: pidIn(pod.info), containerPid: pidIn(container.info) };
}

function pidIn(info: Readonly<Record<string, string>>): number {
  const { pid } = JSON.parse(info["info"] ?? "") as { readonly pid: number };
  assert.ok(pid > 1);
  return pid;
}

/** By what has happened. */
export const damages: Readonly<Record<string, (pod: DamagedPod) => Promise<void>>> = {
  "nothing happened": async () => await Promise.resolve(),
  "its shim was killed": async ({ daemon, podId }) => await killShim(daemon, podId),
  "its shim was stopped": async ({ daemon, podId }) => {
    process.kill(await shimOf(daemon, podId), "SIGSTOP");
  },
  "the process that stands for it was killed": async ({ podPid }) => {
    await Promise.resolve(process.kill(podPid, "SIGKILL"));
  },
  "its container's process was killed": async ({ containerPid }) => {
    await Promise.resolve(process.kill(containerPid, "SIGKILL"));
  },
  "its shim and all its processes were killed": async ({ daemon, podId, podPid, containerPid }) => {
    await killShim(daemon, podId);
    for (const pid of [podPid, containerPid]) process.kill(pid, "SIGKILL");
  },
  "the runtime's state was removed": async ({ daemon, podId, containerId }) => {
    const directory = path.join(daemon.state, "runtime/oci");
    const names = (await readdir(directory, { recursive: true })).filter(
      (name) => name.endsWith(podId) || name.endsWith(containerId),
    );
    assert.equal(names.length, 2);
    for (const name of names) await rm(path.join(directory, name), { recursive: true });
  },
  "its bundles were removed": async ({ daemon, podId, containerId }) => {
    for (const id of [podId, containerId]) {
      const bundle = path.join(daemon.state, "runtime/bundles", id);
      for (const mount of await mountPointsWithin(bundle)) detach(mount);
      await rm(bundle, { recursive: true });
    }
  },
  "the pin of its network was unmounted": async ({ daemon, podId }) => await unpin(daemon, podId, /\/net\w*$/),
  "all its pins were unmounted and removed": async ({ daemon, podId }) => {
    await unpin(daemon, podId, /./);
    await rm(path.join(daemon.state, "namespaces", podId), { recursive: true });
  },
  "the state of its network was removed": async ({ daemon, podId }) => {
    const names = (await readdir(daemon.state, { recursive: true })).filter(
      (name) => name.includes(podId) && name.endsWith(".json") && name.includes("eth0"),
    );
    assert.equal(names.length, 1);
    for (const name of names) await rm(path.join(daemon.state, name));
  },
  "its mounts were taken away": async ({ daemon, podId, containerId }) => {
    const mounts = await mountPointsWithin(daemon.state);
    const own = mounts.filter(
      (mount) => /\/(rootfs|shm|image-mounts)\//.test(mount) && named(mount, podId, containerId),
    );
    assert.ok(own.length >= 3, own.join(" "));
    for (const mount of own.toReversed()) detach(mount);
  },
  "its files were removed": async ({ daemon, podId, containerId }) => {
    for (const name of [`sandboxes/${podId}`, `io/${containerId}`]) {
      await rm(path.join(daemon.state, name), { recursive: true });
    }
  },
};

function named(text: string, ...ids: readonly string[]): boolean {
  return ids.some((id) => text.includes(id));
}

async function unpin({ state }: TestDaemon, podId: string, pins: RegExp): Promise<void> {
  const mounts = await mountPointsWithin(path.join(state, "namespaces", podId));
  const wanted = mounts.filter((mount) => pins.test(mount));
  assert.ok(wanted.length > 0, mounts.join(" "));
  for (const mount of wanted) detach(mount);
}

async function shimOf({ state }: TestDaemon, podId: string): Promise<number> {
  const text = await readFile(path.join(state, "runtime/shims", podId, "shim.json"), "utf8");
  const record = JSON.parse(text) as { readonly process: { readonly pid: number } };
  return record.process.pid;
}

async function killShim(daemon: TestDaemon, podId: string): Promise<void> {
  process.kill(await shimOf(daemon, podId), "SIGKILL");
}
