// SPDX-License-Identifier: Apache-2.0
// The daemon is killed, and the next one goes on with the pods that it left: what runs goes on, what ended meanwhile is
// told as it was, and what is lost is said to be.

import assert from "node:assert/strict";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { suite, test } from "node:test";
import { ContainerState, NamespaceMode, PodSandboxState } from "../../../src/gen/runtime/v1/api_pb.js";
import { hostPod, parseLog, refused } from "../../support/cri-client.ts";
import { eventually } from "../../support/daemon.ts";
import { damagedPod, damages } from "../../support/damage.ts";
import { suiteCri } from "../../support/suite-cri.ts";

const { SANDBOX_READY, SANDBOX_NOTREADY } = PodSandboxState;
const { CONTAINER_CREATED, CONTAINER_RUNNING } = ContainerState;
const untilTold = "until test -e /go; do sleep 0.05; done";

suite("pods of a daemon that was killed", () => {
  const own = suiteCri();

  async function hostPid(containerId: string): Promise<number> {
    const { info } = await own.cri.runtime.containerStatus({ containerId, verbose: true });
    return (JSON.parse(info["info"] ?? "") as { readonly pid: number }).pid;
  }

  const ended = async (pid: number) =>
    await eventually(`the end of ${pid}`, async () => {
      const text = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "() Z");
      return / Z/.test(text.slice(text.lastIndexOf(")"))) ? true : undefined;
    });

  test("go on as they were: ready, the same processes, address, limits, logs and names", async () => {
    const { runtime } = own.cri;
    for (const namespaces of [{}, hostPod]) {
      const config = own.cri.podConfig({ labels: { app: "kept" } }, namespaces);
      const { podSandboxId: pod } = await runtime.runPodSandbox({ config });
      const script = "i=0; while :; do i=$((i+1)); echo $i; sleep 0.02; done";
      const id = await own.cri.startScript(pod, script, { logPath: "c.log" });
      const created = await own.cri.create(pod);
      await own.cri.until(id, "true");
      const [podBefore, before, pid] = [await own.cri.podStatus(pod), await own.cri.status(id), await hostPid(id)];
      await own.daemon.kill();
      await own.daemon.start();
      assert.deepEqual(await own.cri.podStatus(pod), podBefore);
      assert.equal(podBefore.state, SANDBOX_READY);
      assert.deepEqual(await own.cri.status(id), before);
      assert.equal(before.state, CONTAINER_RUNNING);
      assert.equal(await hostPid(id), pid);
      assert.equal((await own.cri.status(created)).state, CONTAINER_CREATED);
      await assert.rejects(runtime.runPodSandbox({ config }), refused("AlreadyExists", pod));
      assert.equal(await own.cri.output(id, "echo in there"), "in there");
      const size = (await own.cri.log(id)).length;
      await eventually("more output", async () => ((await own.cri.log(id)).length > size ? true : undefined));
      await runtime.startContainer({ containerId: created });
      assert.equal(await own.cri.output(created, "echo new"), "new");
      await runtime.updateContainerResources({ containerId: id, linux: { cpuShares: 300n } });
      await runtime.stopContainer({ containerId: id, timeout: 0n });
      const numbers = parseLog(await readFile(before.logPath, "utf8")).map(({ content }) => Number(content));
      assert.deepEqual(
        numbers,
        Array.from(numbers, (_, index) => index + 1),
        "no line is lost or twice there",
      );
      assert.equal((await own.cri.status(id)).exitCode, 137);
      await own.cri.removePod(pod);
    }
  });

  test("go on without their log when something else is in its place, and the others with theirs", async () => {
    const config = own.cri.podConfig();
    const { podSandboxId: pod } = await own.cri.runtime.runPodSandbox({ config });
    const script = "while :; do echo x; sleep 0.05; done";
    const [blocked, free] = [
      await own.cri.startScript(pod, script, { logPath: "blocked/c.log" }),
      await own.cri.startScript(pod, script, { logPath: "free.log" }),
    ];
    await own.daemon.kill();
    const directory = path.join(config.logDirectory ?? "", "blocked");
    await rm(directory, { recursive: true });
    await writeFile(directory, "in the way");
    await own.daemon.start();
    for (const id of [blocked, free]) assert.equal((await own.cri.status(id)).state, CONTAINER_RUNNING);
    const size = (await own.cri.log(free)).length;
    await eventually("more output", async () => ((await own.cri.log(free)).length > size ? true : undefined));
    await own.cri.removePod(pod);
  });

  test("go on, and mount points on which nothing was mounted yet are gone", async () => {
    const pod = await own.cri.runPod({}, {});
    const mounts = [{ containerPath: "/image", image: { image: "busybox:latest" }, readonly: true }];
    const id = await own.cri.start(pod, { mounts } as never);
    await own.cri.output(id, "mkdir /dev/shm/fs");
    const unknown = "e".repeat(64);
    const left = [`rootfs/${unknown}/fs`, `shm/${unknown}`, `image-mounts/${unknown}-0`];
    await own.daemon.kill();
    for (const name of left) await mkdir(path.join(own.daemon.state, name), { recursive: true });
    await own.daemon.start();
    for (const name of ["rootfs", "shm", "image-mounts"]) {
      const names = await readdir(path.join(own.daemon.state, name));
      assert.deepEqual(
        names.filter((each) => each.startsWith(unknown)),
        [],
        name,
      );
    }
    await own.cri.output(id, "test -d /image/bin && rmdir /dev/shm/fs");
    await own.cri.removePod(pod);
  });

  test("what ended while nobody was there is told as it was", async () => {
    const pod = await own.cri.runPod({}, { network: NamespaceMode.NODE, pid: NamespaceMode.POD });
    const limit = { linux: { resources: { memoryLimitInBytes: 32n << 20n, memorySwapLimitInBytes: 32n << 20n } } };
    const cases = [
      ["exit 0", 0, "Completed", {}],
      ["echo last words; exit 42", 42, "Error", { logPath: "last.log" }],
      ["kill -TERM $$", 143, "Error", {}],
      ["exec tail -f /dev/zero", 137, "OOMKilled", limit],
    ] as const;
    const ids = await Promise.all(
      cases.map(async ([end, , , more]) => await own.cri.startScript(pod, `${untilTold}; ${end}`, more)),
    );
    const pids = await Promise.all(ids.map(hostPid));
    await own.daemon.kill();
    for (const pid of pids) await writeInto(pid);
    for (const pid of pids) await ended(pid);
    await own.daemon.start();
    for (const [index, [script, exitCode, reason]] of cases.entries()) {
      const status = await own.cri.exited(ids[index] ?? "");
      assert.deepEqual([status.exitCode, status.reason], [exitCode, reason], script);
      assert.ok(status.finishedAt > status.startedAt);
    }
    assert.deepEqual(
      (await own.cri.log(ids[1] ?? "")).map(({ content }) => content),
      ["last words"],
    );
    assert.equal((await own.cri.podStatus(pod)).state, SANDBOX_READY);
    await own.cri.removePod(pod);
  });

  test("what was lost is said to be: 255, Unknown", async () => {
    const pod = await damagedPod(own.daemon, own.cri);
    await own.daemon.kill();
    await damages["its shim and all its processes were killed"]?.(pod);
    await own.daemon.start();
    const { exitCode, reason } = await own.cri.exited(pod.containerId);
    assert.deepEqual([exitCode, reason], [255, "Unknown"]);
    assert.equal((await own.cri.podStatus(pod.podId)).state, SANDBOX_NOTREADY);
    const { items } = await own.cri.runtime.listPodSandbox({ filter: { id: pod.podId } });
    assert.equal(items[0]?.state, SANDBOX_NOTREADY);
    await own.cri.removePod(pod.podId);
  });

  test("a pod whose process or namespaces are gone is not ready, and takes no container", async () => {
    const cases = ["the process that stands for it was killed", "the pin of its network was unmounted"];
    for (const what of cases) {
      const pod = await damagedPod(own.daemon, own.cri);
      await own.daemon.kill();
      await damages[what]?.(pod);
      await own.daemon.start();
      assert.equal((await own.cri.podStatus(pod.podId)).state, SANDBOX_NOTREADY, what);
      const { items } = await own.cri.runtime.listPodSandbox({ filter: { id: pod.podId } });
      assert.equal(items[0]?.state, SANDBOX_NOTREADY, what);
      await assert.rejects(own.cri.create(pod.podId), refused("FailedPrecondition", pod.podId));
      await own.cri.runtime.stopPodSandbox({ podSandboxId: pod.podId });
      const { exitCode } = await own.cri.exited(pod.containerId);
      assert.equal(exitCode, 137, what);
      await own.cri.removePod(pod.podId);
    }
  });

  test("the same while the daemon is there: a pod whose process dies is not ready any more", async () => {
    const pod = await damagedPod(own.daemon, own.cri);
    await damages["the process that stands for it was killed"]?.(pod);
    await eventually("the end of it", async () => {
      const { state } = await own.cri.podStatus(pod.podId);
      return state === SANDBOX_NOTREADY ? true : undefined;
    });
    const { exitCode, reason } = await own.cri.exited(pod.containerId);
    assert.deepEqual([exitCode, reason], [137, "Error"]);
    await own.cri.removePod(pod.podId);
  });

  test("an exec that the daemon had begun ends with it or is ended by the next, and its container goes on", async () => {
    const id = await own.cri.start(await own.cri.runPod());
    const run = assert.rejects(own.cri.runtime.execSync({ containerId: id, cmd: ["sleep", "2"], timeout: 60n }));
    await own.cri.until(id, "grep -q 'sleep.2' /proc/[0-9]*/cmdline");
    await own.daemon.kill();
    await run;
    await own.daemon.start();
    assert.equal(await own.cri.output(id, "echo fine"), "fine");
    await eventually("its end", async () => {
      const { exitCode } = await own.cri.exec(id, "! grep -q '^sleep.2$' /proc/[0-9]*/cmdline");
      return exitCode === 0 ? true : undefined;
    });
    const { podSandboxId } = (await own.cri.runtime.listContainers({ filter: { id } })).containers[0] ?? {};
    await own.cri.removePod(podSandboxId ?? "");
  });
});

/** Lets the script of this process go on. */
async function writeInto(pid: number): Promise<void> {
  await writeFile(path.join(`/proc/${pid}/root`, "go"), "");
}
