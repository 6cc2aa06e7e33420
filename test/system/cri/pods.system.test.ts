// SPDX-License-Identifier: Apache-2.0
// The life of a pod: what it is made of, its name, its state, and that every call may be repeated.

import assert from "node:assert/strict";
import { readdir, readFile, readlink, rmdir } from "node:fs/promises";
import path from "node:path";
import { suite, test } from "node:test";
import { NamespaceMode, PodSandboxState } from "../../../src/gen/runtime/v1/api_pb.js";
import { readCgroupLayout } from "../../../src/linux/cgroup/layout.ts";
import { hostPod, type PodInit, refused } from "../../support/cri-client.ts";
import { tracesOf } from "../../support/engine-traces.ts";
import { suiteCri } from "../../support/suite-cri.ts";

const { POD, CONTAINER, NODE } = NamespaceMode;
const { SANDBOX_READY, SANDBOX_NOTREADY } = PodSandboxState;
const unknownId = "f".repeat(64);

suite("the life of a pod", () => {
  const own = suiteCri();

  /** Command lines of processes that this pod has on the host. */
  async function processesOf(podId: string): Promise<string[]> {
    const found: string[] = [];
    for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
      const cgroup = await readFile(`/proc/${pid}/cgroup`, "utf8").catch(() => ""); // it has ended
      if (cgroup.includes(podId)) found.push((await readFile(`/proc/${pid}/cmdline`, "utf8")).replaceAll("\0", " "));
    }
    return found;
  }

  test("has a process of its own only where its containers share processes", async () => {
    for (const [pid, expected] of [
      [POD, ["/pause "]],
      [CONTAINER, []],
      [NODE, []],
    ] as const) {
      const id = await own.cri.runPod({}, { ...hostPod, pid });
      assert.deepEqual(await processesOf(id), expected, NamespaceMode[pid]);
      await own.cri.removePod(id);
    }
  });

  test("gives its containers the process tree that was asked for", async () => {
    const firstOf = async (pid: NamespaceMode) => {
      const pod = await own.cri.runPod({}, { ...hostPod, pid });
      const namespaceOptions = { ...hostPod, pid };
      const id = await own.cri.start(pod, { linux: { securityContext: { namespaceOptions } } });
      const command = await own.cri.output(id, "tr '\\0' ' ' < /proc/1/cmdline");
      await own.cri.removePod(pod);
      return command;
    };
    assert.equal(await firstOf(POD), "/pause ");
    assert.equal(await firstOf(CONTAINER), "sleep 1000 ");
    assert.equal(await firstOf(NODE), (await readFile("/proc/1/cmdline", "utf8")).replaceAll("\0", " "));
  });

  test("shares with the host what it is told to, and nothing else", async () => {
    const here = async (name: string) => await readlink(`/proc/self/ns/${name}`);
    const cases = [
      [
        { network: POD, pid: CONTAINER, ipc: POD },
        { net: false, ipc: false, uts: false },
      ],
      [
        { network: NODE, pid: CONTAINER, ipc: POD },
        { net: true, ipc: false, uts: true },
      ],
      [
        { network: POD, pid: CONTAINER, ipc: NODE },
        { net: false, ipc: true, uts: false },
      ],
      [
        { network: NODE, pid: CONTAINER, ipc: NODE },
        { net: true, ipc: true, uts: true },
      ],
    ] as const;
    for (const [namespaces, shared] of cases) {
      const pod = await own.cri.runPod({}, namespaces);
      const [one, other] = [await own.cri.start(pod), await own.cri.start(pod)];
      for (const [name, isHost] of Object.entries(shared)) {
        const inside = await own.cri.output(one, `readlink /proc/self/ns/${name}`);
        assert.equal(inside === (await here(name)), isHost, `${name} of ${JSON.stringify(namespaces)}`);
        assert.equal(await own.cri.output(other, `readlink /proc/self/ns/${name}`), inside);
      }
      const { linux, network } = await own.cri.podStatus(pod);
      assert.equal(linux?.namespaces?.options?.network, namespaces.network);
      assert.equal(linux?.namespaces?.options?.ipc, namespaces.ipc);
      assert.equal(linux?.namespaces?.options?.pid, CONTAINER);
      assert.equal(network?.ip === "", namespaces.network === NODE);
      await own.cri.removePod(pod);
    }
  });

  test("is ready until it is stopped, and is shown until it is removed", async () => {
    const { runtime } = own.cri;
    const config = own.cri.podConfig({ labels: { app: "life" }, annotations: { "a.b/c": "kept as it is\n" } });
    const { podSandboxId } = await runtime.runPodSandbox({ config });
    const status = await own.cri.podStatus(podSandboxId);
    assert.equal(status.id, podSandboxId);
    assert.match(podSandboxId, /^[0-9a-f]{64}$/);
    assert.equal(status.state, SANDBOX_READY);
    assert.ok(status.createdAt > BigInt(Date.now() - 60_000) * 1_000_000n, `${status.createdAt} ns`);
    assert.deepEqual({ ...status.labels }, { app: "life" });
    assert.deepEqual({ ...status.annotations }, { "a.b/c": "kept as it is\n" });
    assert.equal(status.metadata?.uid, config.metadata?.uid);
    assert.equal(status.runtimeHandler, "");
    for (let time = 0; time < 2; time++) {
      await runtime.stopPodSandbox({ podSandboxId });
      assert.equal((await own.cri.podStatus(podSandboxId)).state, SANDBOX_NOTREADY);
    }
    for (let time = 0; time < 2; time++) await runtime.removePodSandbox({ podSandboxId });
    await assert.rejects(runtime.podSandboxStatus({ podSandboxId }), refused("NotFound", podSandboxId));
    await runtime.stopPodSandbox({ podSandboxId });
    await runtime.stopPodSandbox({ podSandboxId: unknownId });
    await runtime.removePodSandbox({ podSandboxId: unknownId });
  });

  test("is removed with all its containers, running or not, without having been stopped", async () => {
    const pod = await own.cri.runPod();
    const ids = [await own.cri.start(pod), await own.cri.create(pod), await own.cri.startScript(pod, "exit 0")];
    await own.cri.exited(ids[2] ?? "");
    await own.cri.runtime.removePodSandbox({ podSandboxId: pod });
    assert.deepEqual((await own.cri.runtime.listContainers({ filter: { podSandboxId: pod } })).containers, []);
    for (const containerId of ids) await assert.rejects(own.cri.status(containerId), refused("NotFound", containerId));
  });

  test("stopping it ends its containers and leaves them to be seen", async () => {
    const pod = await own.cri.runPod();
    const id = await own.cri.startScript(pod, "trap '' TERM; while :; do sleep 1; done");
    await own.cri.runtime.stopPodSandbox({ podSandboxId: pod });
    const { exitCode, reason } = await own.cri.exited(id);
    assert.deepEqual([exitCode, reason], [137, "Error"]);
    await own.cri.removePod(pod);
  });

  test("is found by id, the beginning of one, state and labels, all of which must hold", async () => {
    const { runtime } = own.cri;
    const one = await own.cri.runPod({ labels: { app: "filter", tier: "front" } });
    const other = await own.cri.runPod({ labels: { app: "filter", tier: "back" } });
    await runtime.stopPodSandbox({ podSandboxId: other });
    const listed = async (filter: Parameters<typeof runtime.listPodSandbox>[0]["filter"]) => {
      const { items } = await runtime.listPodSandbox(filter === undefined ? {} : { filter });
      const streamed: string[] = [];
      for await (const { podSandboxes } of runtime.streamPodSandboxes(filter === undefined ? {} : { filter })) {
        streamed.push(...podSandboxes.map(({ id }) => id));
      }
      const ids = items.map(({ id }) => id);
      assert.deepEqual(streamed, ids);
      return ids.sort();
    };
    const both = [one, other].sort();
    assert.deepEqual(await listed(undefined), both);
    assert.deepEqual(await listed({ id: one }), [one]);
    assert.deepEqual(await listed({ id: one.slice(0, 13) }), [one]);
    assert.deepEqual(await listed({ id: unknownId }), []);
    assert.deepEqual(await listed({ state: { state: SANDBOX_READY } }), [one]);
    assert.deepEqual(await listed({ state: { state: SANDBOX_NOTREADY } }), [other]);
    assert.deepEqual(await listed({ labelSelector: { app: "filter" } }), both);
    assert.deepEqual(await listed({ labelSelector: { app: "filter", tier: "back" } }), [other]);
    assert.deepEqual(await listed({ labelSelector: { app: "other" } }), []);
    assert.deepEqual(await listed({ id: one, state: { state: SANDBOX_NOTREADY } }), []);
    for (const id of both) await own.cri.removePod(id);
  });

  test("its name is its own until it is removed; another attempt is another pod", async () => {
    const { runtime } = own.cri;
    const config = own.cri.podConfig();
    const metadata = { name: "", uid: "", namespace: "", ...config.metadata };
    const { podSandboxId } = await runtime.runPodSandbox({ config });
    const again = async () => await runtime.runPodSandbox({ config });
    await assert.rejects(again(), refused("AlreadyExists", podSandboxId, metadata.name));
    const next = await runtime.runPodSandbox({
      config: { ...config, metadata: { ...metadata, attempt: 1 } } as PodInit,
    });
    await runtime.stopPodSandbox({ podSandboxId });
    await assert.rejects(again(), refused("AlreadyExists", podSandboxId));
    await own.cri.removePod(podSandboxId);
    const replacement = await again();
    for (const id of [next.podSandboxId, replacement.podSandboxId]) await own.cri.removePod(id);
  });

  test("asked for at the same time it is made once", async () => {
    const { runtime } = own.cri;
    const config = own.cri.podConfig({}, { network: POD, pid: POD });
    const results = await Promise.allSettled([1, 2, 3].map(async () => await runtime.runPodSandbox({ config })));
    const made = results.flatMap((result) => (result.status === "fulfilled" ? [result.value.podSandboxId] : []));
    assert.equal(made.length, 1);
    for (const result of results) if (result.status === "rejected") refused("AlreadyExists")(result.reason);
    assert.deepEqual(
      (await runtime.listPodSandbox({})).items.map(({ id }) => id),
      made,
    );
    for (const id of made) await own.cri.removePod(id);
  });

  test("the cgroup that was asked for holds its containers, and stays", async () => {
    const cgroupParent = `${own.daemon.cgroupParent}/kubepods/besteffort/pod-1`;
    const pod = await own.cri.runPod({ linux: { cgroupParent, securityContext: { namespaceOptions: hostPod } } });
    const id = await own.cri.start(pod);
    const { info } = await own.cri.runtime.containerStatus({ containerId: id, verbose: true });
    const { pid } = JSON.parse(info["info"] ?? "") as { readonly pid: number };
    const paths = (await readFile(`/proc/${pid}/cgroup`, "utf8")).trim().split("\n");
    const memory = paths.map((line) => line.split(":")).find(([, names]) => names === "memory" || names === "");
    assert.ok(memory?.[2]?.startsWith(`${cgroupParent}/`), paths.join(" "));
    await own.cri.removePod(pod);
    const left = (await tracesOf(own.daemon)).filter((trace) => trace.endsWith(`/kubepods/besteffort/pod-1`));
    assert.ok(left.length > 0, "the cgroup is the kubelet's");
    for (const { mountPoint } of (await readCgroupLayout()).hierarchies) {
      for (let name = cgroupParent; name !== own.daemon.cgroupParent; name = path.dirname(name)) {
        await rmdir(path.join(mountPoint, name)).catch(() => {}); // not in each of them
      }
    }
  });

  test("overhead and resources are kept, changed and told", async () => {
    const overhead = { cpuShares: 100n, memoryLimitInBytes: 8n << 20n };
    const pod = await own.cri.runPod({
      linux: { overhead, resources: { cpuShares: 512n }, securityContext: { namespaceOptions: hostPod } },
    });
    const told = async () => {
      const { info } = await own.cri.runtime.podSandboxStatus({ podSandboxId: pod, verbose: true });
      const record = JSON.parse(info["info"] ?? "") as { readonly pod: { readonly config: Record<string, object> } };
      return record.pod.config;
    };
    const first = await told();
    assert.deepEqual(first["resources"], { cpuShares: 512 });
    assert.ok(JSON.stringify(first["overhead"]).includes(String(8 << 20)), JSON.stringify(first["overhead"]));
    await own.cri.runtime.updatePodSandboxResources({ podSandboxId: pod, resources: { cpuShares: 2048n } });
    assert.deepEqual((await told())["resources"], { cpuShares: 2048 });
    assert.deepEqual((await told())["overhead"], first["overhead"]);
    await assert.rejects(
      own.cri.runtime.updatePodSandboxResources({ podSandboxId: unknownId }),
      refused("NotFound", unknownId),
    );
    await own.cri.removePod(pod);
  });
});
