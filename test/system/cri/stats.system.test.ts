// SPDX-License-Identifier: Apache-2.0
// CRI's statistics and metrics of real pods, asked as a kubelet does.

import assert from "node:assert/strict";
import { connect } from "node:net";
import path from "node:path";
import { before, describe, type TestContext, test } from "node:test";
import { type Client, Code, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { type LinuxContainerResources, RuntimeService } from "../../../src/gen/runtime/v1/api_pb.js";
import { eventually } from "../../support/daemon.ts";
import { suiteDaemon } from "../../support/suite-daemon.ts";

interface PodOptions {
  readonly network?: "pod" | "host";
}

void describe("statistics of pods", () => {
  const suite = suiteDaemon();
  let runtime: Client<typeof RuntimeService>;
  let count = 0;

  before(async () => {
    const socket = path.join(suite.daemon.state, "cri.sock");
    const transport = createGrpcTransport({
      baseUrl: "http://cri",
      nodeOptions: { createConnection: () => connect(socket) },
      idleConnectionTimeoutMs: 500,
    });
    runtime = createClient(RuntimeService, transport);
    await untilServed();
  });

  /** CRI's socket is there a moment after the engine's. */
  async function untilServed(): Promise<void> {
    await eventually("the socket of CRI", async () => await runtime.version({}).catch(() => undefined));
  }

  /** A pod that is gone after the test. */
  async function runPod(t: TestContext, { network = "pod" }: PodOptions = {}) {
    const name = `stats-${++count}`;
    const config = {
      metadata: { name, uid: `${name}-uid`, namespace: "system-test", attempt: 0 },
      labels: { app: name },
      annotations: { note: "kept" },
      linux: { securityContext: { namespaceOptions: { network: network === "pod" ? 0 : 2, pid: 1 } } },
    };
    const { podSandboxId } = await runtime.runPodSandbox({ config });
    t.after(async () => void (await runtime.removePodSandbox({ podSandboxId })));
    const start = async (script: string, resources: Partial<LinuxContainerResources> = {}) => {
      const { containerId } = await runtime.createContainer({
        podSandboxId,
        sandboxConfig: config,
        config: {
          metadata: { name: `main-${++count}`, attempt: 0 },
          image: { image: "busybox:latest" },
          command: ["sh", "-c", script],
          labels: { app: name },
          linux: { resources: resources as LinuxContainerResources },
        },
      });
      await runtime.startContainer({ containerId });
      return containerId;
    };
    return { podSandboxId, name, start };
  }

  async function until(containerId: string, condition: string): Promise<void> {
    await eventually(condition, async () => {
      const cmd = ["sh", "-c", condition];
      return (await runtime.execSync({ containerId, cmd, timeout: 5n })).exitCode === 0 ? true : undefined;
    });
  }

  async function statsOf(containerId: string) {
    const { stats } = await runtime.containerStats({ containerId });
    assert.ok(stats);
    return stats;
  }

  void test("a container's processor time, memory, and what it wrote", async (t) => {
    const { podSandboxId, start } = await runPod(t);
    const id = await start(
      "dd if=/dev/urandom of=/written bs=1M count=3; x=$(head -c 8388608 /dev/zero | tr '\\0' x); touch /ready; while :; do :; done",
      { cpuPeriod: 100_000n, cpuQuota: 20_000n, memoryLimitInBytes: 64n << 20n, memorySwapLimitInBytes: 64n << 20n },
    );
    await until(id, "test -e /ready");
    const { attributes, memory, writableLayer } = await statsOf(id);
    assert.equal(attributes?.id, id);
    assert.ok((memory?.timestamp ?? 0n) > 0n);
    const workingSet = memory?.workingSetBytes?.value ?? 0n;
    assert.ok(workingSet > 8n << 20n && workingSet < 64n << 20n, `${workingSet}`);
    assert.equal(memory?.availableBytes?.value, (64n << 20n) - workingSet);
    assert.ok((memory?.rssBytes?.value ?? 0n) > 8n << 20n);
    assert.ok((memory?.pageFaults?.value ?? 0n) > 1000n);
    assert.ok((writableLayer?.usedBytes?.value ?? 0n) >= 3n << 20n);
    assert.ok((writableLayer?.inodesUsed?.value ?? 0n) >= 2n);
    assert.equal(writableLayer?.fsId?.mountpoint, path.join(suite.daemon.root, "snapshots"));
    // A rate needs a second reading, a second later.
    const { cpu } = await eventually("a rate", async () => {
      const stats = await statsOf(id);
      return stats.cpu?.usageNanoCores === undefined ? undefined : stats;
    });
    assert.ok((cpu?.usageCoreNanoSeconds?.value ?? 0n) > 0n);
    const rate = cpu?.usageNanoCores?.value ?? 0n;
    assert.ok(rate > 0n && rate < 2_000_000_000n, `${rate}`);
    // The pod uses what its container uses, or more.
    const { stats: pod } = await runtime.podSandboxStats({ podSandboxId });
    assert.equal(pod?.attributes?.id, podSandboxId);
    assert.deepEqual(pod?.attributes?.annotations, { note: "kept" });
    assert.ok((pod?.linux?.cpu?.usageCoreNanoSeconds?.value ?? 0n) >= (cpu?.usageCoreNanoSeconds?.value ?? 0n));
    assert.ok((pod?.linux?.memory?.workingSetBytes?.value ?? 0n) > 8n << 20n);
    assert.ok((pod?.linux?.process?.processCount?.value ?? 0n) >= 1n);
    assert.deepEqual(
      pod?.linux?.containers.map((container) => container.attributes?.id),
      [id],
    );
  });

  void test("a pod's traffic, and none for one on the host's network", async (t) => {
    const { podSandboxId, start } = await runPod(t);
    const sent = async () => {
      const { stats } = await runtime.podSandboxStats({ podSandboxId });
      return stats?.linux?.network?.defaultInterface;
    };
    // Also without a process in it the network is there.
    const first = await sent();
    assert.equal(first?.name, "eth0");
    const id = await start("sleep 1000");
    const gateway = "ip route | sed -n 's/default via \\([0-9.]*\\).*/\\1/p'";
    const { exitCode, stderr } = await runtime.execSync({
      containerId: id,
      cmd: ["sh", "-c", `ping -c 2 -s 2000 $(${gateway})`],
      timeout: 10n,
    });
    assert.equal(exitCode, 0, Buffer.from(stderr).toString());
    const second = await sent();
    assert.ok((second?.txBytes?.value ?? 0n) >= (first.txBytes?.value ?? 0n) + 4000n);
    assert.ok((second?.rxBytes?.value ?? 0n) >= (first.rxBytes?.value ?? 0n) + 4000n);
    const onHost = await runPod(t, { network: "host" });
    const { stats } = await runtime.podSandboxStats({ podSandboxId: onHost.podSandboxId });
    assert.equal(stats?.linux?.network, undefined);
  });

  void test("lists and streams have what runs, and single calls also the rest", async (t) => {
    const one = await runPod(t);
    const other = await runPod(t);
    const ids = [await one.start("sleep 1000"), await one.start("sleep 1000"), await other.start("sleep 1000")];
    const listed = async (filter: Parameters<typeof runtime.listContainerStats>[0]["filter"]) => {
      const { stats } = await runtime.listContainerStats(filter === undefined ? {} : { filter });
      return stats.map(({ attributes }) => attributes?.id);
    };
    assert.deepEqual(await listed(undefined), ids);
    assert.deepEqual(await listed({ podSandboxId: one.podSandboxId }), ids.slice(0, 2));
    assert.deepEqual(await listed({ labelSelector: { app: other.name } }), ids.slice(2));
    assert.deepEqual(await listed({ id: ids[1] ?? "" }), ids.slice(1, 2));
    const streamed: unknown[] = [];
    for await (const { containerStats } of runtime.streamContainerStats({})) {
      streamed.push(...containerStats.map(({ attributes }) => attributes?.id));
    }
    assert.deepEqual(streamed, ids);

    const [stopped = ""] = ids;
    await runtime.stopContainer({ containerId: stopped, timeout: 0n });
    await eventually("its end", async () => ((await listed(undefined)).includes(stopped) ? undefined : true));
    assert.equal((await statsOf(stopped)).cpu, undefined);
    await runtime.stopPodSandbox({ podSandboxId: other.podSandboxId });
    const { stats: pods } = await runtime.listPodSandboxStats({});
    assert.deepEqual(
      pods.map(({ attributes }) => attributes?.id),
      [one.podSandboxId],
    );
    for (const unknown of [
      runtime.containerStats({ containerId: "f".repeat(64) }),
      runtime.podSandboxStats({ podSandboxId: "f".repeat(64) }),
    ]) {
      await assert.rejects(unknown, { code: Code.NotFound });
    }
  });

  void test("metrics of a pod and its container, each as it was announced", async (t) => {
    const { podSandboxId, name, start } = await runPod(t);
    const id = await start("mkdir -p /var/lib/x; echo hi > /var/lib/x/y; sleep 1000", {
      cpuPeriod: 100_000n,
      cpuQuota: 20_000n,
      cpuShares: 1024n,
      memoryLimitInBytes: 64n << 20n,
      memorySwapLimitInBytes: 64n << 20n,
    });
    const { descriptors } = await runtime.listMetricDescriptors({});
    const labels = new Map(descriptors.map((descriptor) => [descriptor.name, descriptor.labelKeys]));
    const { podMetrics } = await runtime.listPodSandboxMetrics({});
    const pod = podMetrics.find((candidate) => candidate.podSandboxId === podSandboxId);
    const container = pod?.containerMetrics.find(({ containerId }) => containerId === id);
    const all = [...(pod?.metrics ?? []), ...(container?.metrics ?? [])];
    for (const { name: metric, labelValues } of all) {
      assert.equal(labelValues.length, labels.get(metric)?.length, metric);
      assert.deepEqual(labelValues.slice(0, 2), [name, "system-test"]);
    }
    const reported = new Set(all.map((metric) => metric.name));
    const missing = [...labels.keys()].filter((metric) => !reported.has(metric));
    // Whether there are block devices, huge pages and pressure to tell of is the machine's.
    assert.deepEqual(
      missing.filter((metric) => !/_(blkio|fs_reads|fs_writes|hugetlb|pressure)_/.test(metric)),
      [],
    );
    const valueOf = (metric: string) => all.find((candidate) => candidate.name === metric)?.value?.value;
    assert.equal(valueOf("container_spec_memory_limit_bytes"), 64n << 20n);
    assert.equal(valueOf("container_spec_memory_swap_limit_bytes"), 64n << 20n);
    assert.equal(valueOf("container_spec_cpu_quota"), 20_000n);
    assert.equal(valueOf("container_spec_cpu_shares"), 1024n);
    assert.equal(valueOf("container_processes"), 1n);
    assert.ok((valueOf("container_memory_usage_bytes") ?? 0n) > 0n);
    assert.ok((valueOf("container_file_descriptors") ?? 0n) >= 3n);
    assert.ok((valueOf("container_fs_limit_bytes") ?? 0n) > 0n);
    assert.ok((valueOf("container_start_time_seconds") ?? 0n) > 1_700_000_000n);
    const streamed: unknown[] = [];
    for await (const { podSandboxMetrics } of runtime.streamPodSandboxMetrics({})) {
      streamed.push(...podSandboxMetrics.map((metrics) => metrics.podSandboxId));
    }
    assert.deepEqual(
      streamed,
      podMetrics.map((metrics) => metrics.podSandboxId),
    );
  });

  void test("a daemon that was started anew goes on counting", async (t) => {
    const { podSandboxId, start } = await runPod(t);
    const id = await start("i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; touch /ready; sleep 1000");
    await until(id, "test -e /ready");
    const before = await statsOf(id);
    await suite.daemon.kill();
    await suite.daemon.start();
    await untilServed();
    const { cpu, memory } = await statsOf(id);
    const used = cpu?.usageCoreNanoSeconds?.value ?? 0n;
    assert.ok(used > 0n && used >= (before.cpu?.usageCoreNanoSeconds?.value ?? 0n));
    assert.ok((memory?.usageBytes?.value ?? 0n) > 0n);
    const { stats: pod } = await runtime.podSandboxStats({ podSandboxId });
    assert.ok((pod?.linux?.cpu?.usageCoreNanoSeconds?.value ?? 0n) >= used);
    assert.equal(pod?.linux?.network?.defaultInterface?.name, "eth0");
  });
});
