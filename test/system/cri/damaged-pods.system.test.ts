// SPDX-License-Identifier: Apache-2.0
// Whatever of a pod has died: it can be stopped and removed, and then nothing of it is left.

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { PodSandboxState } from "../../../src/gen/runtime/v1/api_pb.js";
import { findProcess } from "../../../src/linux/process/process-identity.ts";
import { refused } from "../../support/cri-client.ts";
import { type DamagedPod, damagedPod, damages } from "../../support/damage.ts";
import { tracesOf } from "../../support/engine-traces.ts";
import { eventually } from "../../support/eventually.ts";
import { suiteCri } from "../../support/suite-cri.ts";

suite("a pod of which something died", () => {
  const own = suiteCri();

  async function assertGone({ podId, containerId, podPid, containerPid }: DamagedPod): Promise<void> {
    await assert.rejects(own.cri.podStatus(podId), refused("NotFound", podId));
    await assert.rejects(own.cri.status(containerId), refused("NotFound", containerId));
    const left = async () => {
      const traces = await tracesOf(own.daemon);
      return traces.filter((trace) => trace.includes(podId) || trace.includes(containerId));
    };
    await eventually("nothing of it", async () => ((await left()).length === 0 ? true : undefined)).catch(async () => {
      assert.deepEqual(await left(), []);
    });
    for (const pid of [podPid, containerPid]) {
      // One whose parent was killed may wait for the machine's first process to take note.
      const state = (await findProcess(pid))?.state ?? "Z";
      assert.equal(state, "Z", `process ${pid}`);
    }
  }

  // Side by side: what hangs is waited for.
  suite("while the daemon is there", { concurrency: 4, timeout: 120_000 }, () => {
    for (const [what, happen] of Object.entries(damages)) {
      test(`is stopped and removed when ${what}`, async () => {
        const pod = await damagedPod(own.daemon, own.cri);
        await happen(pod);
        const podSandboxId = pod.podId;
        await own.cri.runtime.stopPodSandbox({ podSandboxId });
        assert.equal((await own.cri.podStatus(podSandboxId)).state, 1);
        const { exitCode } = await own.cri.exited(pod.containerId);
        assert.ok([137, 255].includes(exitCode), `${exitCode}`);
        await own.cri.runtime.removePodSandbox({ podSandboxId });
        await assertGone(pod);
      });
    }
  });

  test("is listed as not ready when a namespace was taken from it", async () => {
    const pod = await damagedPod(own.daemon, own.cri);
    const stateInList = async () => {
      const { items } = await own.cri.runtime.listPodSandbox({ filter: { id: pod.podId } });
      return items.map(({ state }) => state);
    };
    assert.deepEqual(await stateInList(), [PodSandboxState.SANDBOX_READY]);
    await damages["the pin of its network was unmounted"]?.(pod);
    assert.deepEqual(await stateInList(), [PodSandboxState.SANDBOX_NOTREADY]);
    await own.cri.removePod(pod.podId);
    await assertGone(pod);
  });

  test("is removed at once, without having been stopped", async () => {
    const cases = ["its shim was killed", "its bundles were removed", "all its pins were unmounted and removed"];
    await Promise.all(
      cases.map(async (what) => {
        const pod = await damagedPod(own.daemon, own.cri);
        await damages[what]?.(pod);
        await own.cri.runtime.removePodSandbox({ podSandboxId: pod.podId });
        await assertGone(pod);
      }),
    );
  });

  test("is removed by a daemon that comes back after it", { timeout: 120_000 }, async () => {
    const pods: [string, DamagedPod][] = [];
    // The address of a network that nobody knows any more stays taken until the next boot.
    for (const what of Object.keys(damages).filter((name) => name !== "the state of its network was removed")) {
      pods.push([what, await damagedPod(own.daemon, own.cri)]);
    }
    await own.daemon.kill();
    for (const [what, pod] of pods) await damages[what]?.(pod);
    await own.daemon.start();
    const results = await Promise.allSettled(
      pods.map(async ([, pod]) => {
        await own.cri.runtime.stopPodSandbox({ podSandboxId: pod.podId });
        await own.cri.runtime.removePodSandbox({ podSandboxId: pod.podId });
        await assertGone(pod);
      }),
    );
    const failed = pods.flatMap(([what], index) => {
      const result = results[index];
      return result?.status === "rejected" ? [`when ${what}: ${String(result.reason)}`] : [];
    });
    assert.deepEqual(failed, []);
  });
});
