// SPDX-License-Identifier: Apache-2.0
// The life of a pod's container: states, how it ended and why, and what lists and statuses say.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { before, suite, test } from "node:test";
import { ContainerState, NamespaceMode } from "../../../src/gen/runtime/v1/api_pb.js";
import { containerConfig, hostPod, refused } from "../../support/cri-client.ts";
import { suiteCri } from "../../support/suite-cri.ts";

const { CONTAINER_CREATED, CONTAINER_RUNNING, CONTAINER_EXITED } = ContainerState;
const unknownId = "e".repeat(64);

suite("the life of a pod's container", () => {
  const own = suiteCri();
  let pod = "";

  before(async () => {
    pod = await own.cri.runPod();
  });

  test("is created, runs and exits, with the times of each", async () => {
    const { runtime } = own.cri;
    const id = await own.cri.create(pod, { command: ["sh", "-c", "cat /go; until test -e /go; do sleep 0.05; done"] });
    const created = await own.cri.status(id);
    assert.equal(created.state, CONTAINER_CREATED);
    assert.ok(created.createdAt > 0n);
    assert.deepEqual([created.startedAt, created.finishedAt, created.reason], [0n, 0n, ""]);
    await runtime.startContainer({ containerId: id });
    const running = await own.cri.status(id);
    assert.equal(running.state, CONTAINER_RUNNING);
    assert.ok(running.startedAt >= created.createdAt);
    assert.deepEqual([running.finishedAt, running.reason], [0n, ""]);
    await assert.rejects(runtime.startContainer({ containerId: id }), refused("FailedPrecondition", id));
    await own.cri.output(id, "touch /go");
    const exited = await own.cri.exited(id);
    assert.ok(exited.finishedAt >= running.startedAt);
    assert.deepEqual([exited.exitCode, exited.reason, exited.message], [0, "Completed", ""]);
    await assert.rejects(runtime.startContainer({ containerId: id }), refused("FailedPrecondition", id));
    for (let time = 0; time < 2; time++) await runtime.removeContainer({ containerId: id });
    await assert.rejects(own.cri.status(id), refused("NotFound", id));
  });

  test("ends with the code and the reason that Kubernetes looks for", async () => {
    const memory = { linux: { resources: { memoryLimitInBytes: 32n << 20n, memorySwapLimitInBytes: 32n << 20n } } };
    // Whose first process is none that signals pass by.
    const shared = await own.cri.runPod({}, { ...hostPod, pid: NamespaceMode.POD });
    const cases = [
      ["exit 0", 0, "Completed", {}],
      ["exit 3", 3, "Error", {}],
      ["kill -TERM $$", 143, "Error", {}],
      ["kill -KILL $$", 137, "Error", {}],
      ["kill -SEGV $$", 139, "Error", {}],
      ["exec tail -f /dev/zero", 137, "OOMKilled", memory],
      ["tail -f /dev/zero; exit 7", 7, "OOMKilled", memory],
    ] as const;
    await Promise.all(
      cases.map(async ([script, exitCode, reason, more]) => {
        const id = await own.cri.startScript(shared, script, more);
        const status = await own.cri.exited(id);
        assert.deepEqual([status.exitCode, status.reason], [exitCode, reason], script);
        await own.cri.runtime.removeContainer({ containerId: id });
      }),
    );
    await own.cri.removePod(shared);
  });

  test("that cannot be started says so and stays to be seen", async () => {
    for (const command of [["/no/such/program"], ["/etc/passwd"], ["/etc"]]) {
      const id = await own.cri.create(pod, { command });
      await assert.rejects(own.cri.runtime.startContainer({ containerId: id }), /passwd|\/etc|no\/such/);
      const { state, exitCode, reason, message, finishedAt, startedAt } = await own.cri.status(id);
      assert.deepEqual([state, exitCode, reason], [CONTAINER_EXITED, 128, "StartError"], command.join(" "));
      assert.ok(message.includes(command[0] ?? ""), message);
      assert.ok(finishedAt > 0n);
      assert.equal(startedAt, 0n);
      await assert.rejects(own.cri.runtime.startContainer({ containerId: id }), refused("FailedPrecondition"));
      await own.cri.runtime.removeContainer({ containerId: id });
    }
  });

  test("has a name of its own in its pod", async () => {
    const metadata = { name: "named", attempt: 0 };
    const id = await own.cri.create(pod, { metadata });
    await assert.rejects(own.cri.create(pod, { metadata }), refused("AlreadyExists", "named", id));
    const next = await own.cri.create(pod, { metadata: { name: "named", attempt: 1 } });
    const elsewhere = await own.cri.runPod();
    await own.cri.create(elsewhere, { metadata });
    await own.cri.removePod(elsewhere);
    const results = await Promise.allSettled(
      [1, 2, 3].map(async () => await own.cri.create(pod, { metadata: { name: "race", attempt: 0 } })),
    );
    assert.equal(results.filter(({ status }) => status === "fulfilled").length, 1);
    for (const result of results) if (result.status === "rejected") refused("AlreadyExists", "race")(result.reason);
    for (const containerId of [id, next]) await own.cri.runtime.removeContainer({ containerId });
    const { containers } = await own.cri.runtime.listContainers({ filter: { podSandboxId: pod } });
    for (const { id: containerId } of containers) await own.cri.runtime.removeContainer({ containerId });
  });

  test("cannot be made or started in a pod that was stopped", async () => {
    const stopped = await own.cri.runPod();
    const id = await own.cri.create(stopped);
    await own.cri.runtime.stopPodSandbox({ podSandboxId: stopped });
    await assert.rejects(own.cri.create(stopped), refused("FailedPrecondition", stopped));
    await assert.rejects(own.cri.runtime.startContainer({ containerId: id }), refused("FailedPrecondition", stopped));
    await own.cri.removePod(stopped);
    await assert.rejects(own.cri.create(stopped), refused("NotFound", stopped));
  });

  test("shows in its status what it was asked with", async () => {
    const config = containerConfig({
      labels: { app: "shown" },
      annotations: { note: "as it is" },
      image: { image: "busybox", userSpecifiedImage: "busybox:asked" },
      mounts: [{ containerPath: "/host-etc", hostPath: "/etc", readonly: true }],
      logPath: "dir/shown.log",
      linux: {
        resources: { cpuShares: 512n, cpuPeriod: 100_000n, cpuQuota: 50_000n, memoryLimitInBytes: 64n << 20n },
        securityContext: { runAsUser: { value: 1000n }, runAsGroup: { value: 50n }, supplementalGroups: [60n] },
      },
    });
    const { containerId } = await own.cri.runtime.createContainer({ podSandboxId: pod, config });
    const status = await own.cri.status(containerId);
    assert.deepEqual({ ...status.labels }, { app: "shown" });
    assert.deepEqual({ ...status.annotations }, { note: "as it is" });
    assert.deepEqual([status.image?.image, status.image?.userSpecifiedImage], ["busybox", "busybox:asked"]);
    assert.deepEqual(
      status.mounts.map(({ containerPath, hostPath, readonly }) => ({ containerPath, hostPath, readonly })),
      [{ containerPath: "/host-etc", hostPath: "/etc", readonly: true }],
    );
    assert.ok(path.isAbsolute(status.logPath) && status.logPath.endsWith("/dir/shown.log"), status.logPath);
    assert.equal(status.resources?.linux?.cpuQuota, 50_000n);
    assert.equal(status.resources?.linux?.memoryLimitInBytes, 64n << 20n);
    const { uid, gid, supplementalGroups } = status.user?.linux ?? {};
    assert.deepEqual([uid, gid, supplementalGroups?.includes(60n)], [1000n, 50n, true]);
    const { info } = await own.cri.runtime.containerStatus({ containerId, verbose: true });
    const told = JSON.parse(info["info"] ?? "") as { readonly sandboxID: string; readonly runtimeSpec: object };
    assert.equal(told.sandboxID, pod);
    assert.ok("process" in told.runtimeSpec);
    await own.cri.runtime.removeContainer({ containerId });
  });

  test("shows the name that people wrote where the kubelet asked for the image by its id", async () => {
    const { image } = await own.cri.images.imageStatus({ image: { image: "busybox:latest" } });
    const imageId = image?.id ?? "";
    for (const [userSpecifiedImage, shown] of [
      ["busybox:asked", "busybox:asked"],
      ["", "docker.io/library/busybox:latest"],
    ] as const) {
      const id = await own.cri.create(pod, { image: { image: imageId, userSpecifiedImage } });
      const { containers } = await own.cri.runtime.listContainers({ filter: { id } });
      const status = await own.cri.status(id);
      assert.deepEqual([status.image?.image, containers[0]?.image?.image], [shown, shown]);
      await own.cri.runtime.removeContainer({ containerId: id });
    }
  });

  test("comes in its pod's status before the older ones, as the kubelet takes the first of a name for the present one", async () => {
    const shared = await own.cri.runPod();
    const ids = [await own.cri.create(shared), await own.cri.create(shared), await own.cri.create(shared)];
    const { containersStatuses } = await own.cri.runtime.podSandboxStatus({ podSandboxId: shared });
    assert.deepEqual(
      containersStatuses.map(({ id }) => id),
      ids.toReversed(),
    );
    await own.cri.removePod(shared);
  });

  test("has the id of its image everywhere, by whatever name it was asked for", async () => {
    const { image } = await own.cri.images.imageStatus({ image: { image: "busybox:latest" } });
    const imageId = image?.id ?? "";
    assert.match(imageId, /^sha256:[0-9a-f]{64}$/);
    for (const name of ["busybox", imageId, imageId.slice("sha256:".length), "docker.io/library/busybox:latest"]) {
      const id = await own.cri.create(pod, { image: { image: name } });
      const status = await own.cri.status(id);
      const { containers } = await own.cri.runtime.listContainers({ filter: { id } });
      assert.deepEqual([status.imageId, containers[0]?.imageId], [imageId, imageId], name);
      assert.equal(status.imageRef, containers[0]?.imageRef);
      await own.cri.runtime.removeContainer({ containerId: id });
    }
  });

  test("is found by id, pod, state and labels, all of which must hold", async () => {
    const other = await own.cri.runPod();
    const running = await own.cri.start(pod, { labels: { app: "filter", tier: "front" } });
    const created = await own.cri.create(pod, { labels: { app: "filter", tier: "back" } });
    const ended = await own.cri.startScript(other, "exit 0", { labels: { app: "filter" } });
    await own.cri.exited(ended);
    const { runtime } = own.cri;
    const listed = async (filter: NonNullable<Parameters<typeof runtime.listContainers>[0]["filter"]>) => {
      const ids = (await runtime.listContainers({ filter })).containers.map(({ id }) => id);
      const streamed: string[] = [];
      for await (const { containers } of runtime.streamContainers({ filter })) {
        streamed.push(...containers.map(({ id }) => id));
      }
      assert.deepEqual(streamed, ids);
      return ids.sort();
    };
    assert.deepEqual(await listed({ labelSelector: { app: "filter" } }), [running, created, ended].sort());
    assert.deepEqual(await listed({ labelSelector: { app: "filter", tier: "back" } }), [created]);
    assert.deepEqual(await listed({ podSandboxId: other }), [ended]);
    assert.deepEqual(await listed({ podSandboxId: other.slice(0, 12) }), [ended]);
    assert.deepEqual(await listed({ podSandboxId: unknownId }), []);
    assert.deepEqual(await listed({ id: running.slice(0, 13) }), [running]);
    assert.deepEqual(await listed({ id: running, podSandboxId: other }), []);
    assert.deepEqual(await listed({ id: unknownId }), []);
    assert.deepEqual(await listed({ podSandboxId: pod, state: { state: CONTAINER_RUNNING } }), [running]);
    assert.deepEqual(await listed({ podSandboxId: pod, state: { state: CONTAINER_CREATED } }), [created]);
    assert.deepEqual(await listed({ state: { state: CONTAINER_EXITED } }), [ended]);
    for (const containerId of [running, created]) await runtime.removeContainer({ containerId });
    await own.cri.removePod(other);
  });

  test("has new limits as soon as the call returns", async () => {
    const id = await own.cri.start(pod, { linux: { resources: { memoryLimitInBytes: 64n << 20n, cpuShares: 256n } } });
    const { runtime } = own.cri;
    const linux = { memoryLimitInBytes: 96n << 20n, cpuPeriod: 50_000n, cpuQuota: 25_000n };
    await runtime.updateContainerResources({ containerId: id, linux });
    const { info } = await runtime.containerStatus({ containerId: id, verbose: true });
    const { pid } = JSON.parse(info["info"] ?? "") as { readonly pid: number };
    const inCgroup = async (controller: string, v1: string, v2: string) => {
      const lines = (await readFile(`/proc/${pid}/cgroup`, "utf8")).trim().split("\n");
      const line = lines.map((text) => text.split(":")).find(([, names]) => names?.split(",").includes(controller));
      const file = line === undefined ? `${lines[0]?.split(":")[2]}/${v2}` : `${controller}${line[2]}/${v1}`;
      return (await readFile(path.join("/sys/fs/cgroup", file), "utf8")).trim();
    };
    assert.equal(await inCgroup("memory", "memory.limit_in_bytes", "memory.max"), String(96 << 20));
    assert.match(await inCgroup("cpu", "cpu.cfs_quota_us", "cpu.max"), /^25000( 50000)?$/);
    const { resources } = await own.cri.status(id);
    assert.equal(resources?.linux?.memoryLimitInBytes, 96n << 20n);
    assert.equal(resources?.linux?.cpuQuota, 25_000n);
    assert.equal(resources?.linux?.cpuShares, 256n, "what was not asked for stays");
    await runtime.stopContainer({ containerId: id, timeout: 0n });
    await assert.rejects(
      runtime.updateContainerResources({ containerId: id, linux }),
      refused("FailedPrecondition", id),
    );
    await runtime.removeContainer({ containerId: id });
  });
});
