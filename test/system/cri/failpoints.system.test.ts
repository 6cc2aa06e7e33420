// SPDX-License-Identifier: Apache-2.0
// The daemon fails, or dies, at each step of each call that makes or ends a pod or a container: nothing is left over, and
// what was asked for works when it is asked for again.

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { ContainerState, NamespaceMode } from "../../../src/gen/runtime/v1/api_pb.js";
import { type ContainerInit, CriTester, containerConfig, type PodInit, refused } from "../../support/cri-client.ts";
import { startDaemon, type TestDaemon } from "../../support/daemon.ts";
import { assertSameTraces, tracesOf } from "../../support/engine-traces.ts";

const runSteps = [
  "network/cni/intent",
  "network/cni/added",
  "run-pod:sandbox",
  "runtime/shim:launched",
  "runtime/shim:create",
  "runtime/shim:created",
  "run-pod:task-created",
  "run-pod:task",
  "run-pod:hooked",
];
const createSteps = [
  // Of the image that is mounted, before that of the container's own.
  "snapshot/overlay/prepare",
  "create-container:mounts",
  "create-container:snapshot",
  "create-container:spec",
  "create-container:hooked",
];
const startSteps = [
  "start-container:prepared",
  "runtime/shim:create",
  "runtime/shim:created",
  "start-container:created",
  "start-container:started",
];
const stopSteps = ["stop-pod:containers", "stop-pod:step"];
const removeSteps = ["remove-container:unrecorded", "remove-pod:containers"];

const unknownId = "f".repeat(64);
const own = { network: NamespaceMode.POD, pid: NamespaceMode.POD };
const imageMount = { containerPath: "/image", image: { image: "busybox:latest" }, readonly: true };

/** One pod and one container of it, and what there was before them. */
class Trial {
  readonly cri: CriTester;
  readonly daemon: TestDaemon;
  readonly #before: readonly string[];
  readonly podConfig: PodInit;
  readonly containerConfig: ContainerInit;
  podId = "";
  /** "" until there was one. */
  containerId = "";

  constructor(daemon: TestDaemon, before: readonly string[]) {
    this.daemon = daemon;
    this.cri = new CriTester(daemon);
    this.#before = before;
    this.podConfig = this.cri.podConfig({}, own);
    this.containerConfig = containerConfig({ mounts: [imageMount], logPath: "c.log" } as ContainerInit);
  }

  readonly run = async (): Promise<void> => {
    const { podSandboxId } = await this.cri.runtime.runPodSandbox({ config: this.podConfig });
    this.podId = podSandboxId;
  };

  readonly create = async (): Promise<void> => {
    const request = { podSandboxId: this.podId, config: this.containerConfig };
    const { containerId } = await this.cri.runtime.createContainer(request);
    this.containerId = containerId;
  };

  readonly start = async (): Promise<void> => {
    await this.cri.runtime.startContainer({ containerId: this.containerId });
  };

  readonly stop = async (): Promise<void> => {
    await this.cri.runtime.stopPodSandbox({ podSandboxId: this.podId });
  };

  readonly remove = async (): Promise<void> => {
    await this.cri.runtime.removePodSandbox({ podSandboxId: this.podId });
  };

  async assertNothing(step: string): Promise<void> {
    assert.deepEqual((await this.cri.runtime.listPodSandbox({})).items, [], step);
    assert.deepEqual((await this.cri.runtime.listContainers({})).containers, [], step);
    await assertSameTraces(this.daemon, this.#before, `at ${step}`);
  }
}

/** After a first pod, which leaves what all share. */
async function prepare(daemon: TestDaemon): Promise<readonly string[]> {
  await daemon.importBusybox();
  const first = new Trial(daemon, []);
  for (const work of [first.run, first.create, first.start, first.stop, first.remove]) await work();
  return await tracesOf(daemon);
}

suite("a call about a pod that stops half-way", () => {
  test("because a step fails leaves nothing, and works when it is asked for again", { timeout: 240_000 }, async (t) => {
    const environment: Record<string, string> = {};
    const daemon = await startDaemon(t, { environment });
    const before = await prepare(daemon);
    const steps = new Set([...runSteps, ...createSteps, ...startSteps, ...stopSteps, ...removeSteps]);
    environment["BERTH_FAILPOINTS"] = [...steps].map((step) => `${step}=throw`).join(",");
    await daemon.restart();
    const trial = new Trial(daemon, before);
    const fails = async (step: string, work: () => Promise<void>) => {
      await assert.rejects(work(), refused("Internal", `failpoint ${step}`), step);
    };
    for (const step of runSteps) {
      await fails(step, trial.run);
      await trial.assertNothing(step);
    }
    await trial.run();
    const withPod = await tracesOf(daemon);
    for (const step of createSteps) {
      await fails(step, trial.create);
      await assertSameTraces(daemon, withPod, `at ${step}`);
    }
    // Those that the pod's own task has passed do not fail again.
    for (const step of startSteps.filter((name) => !runSteps.includes(name))) {
      await trial.create();
      const { containerId } = trial;
      await fails(step, trial.start);
      const { reason, exitCode, message } = await trial.cri.status(containerId);
      assert.deepEqual([reason, exitCode], ["StartError", 128], step);
      assert.match(message, new RegExp(step));
      await trial.cri.runtime
        .removeContainer({ containerId })
        .catch(refused("Internal", "remove-container:unrecorded"));
      await trial.cri.runtime.removeContainer({ containerId });
      await assertSameTraces(daemon, withPod, `at ${step}`);
    }
    await trial.create();
    await trial.start();
    for (const step of stopSteps) await fails(step, trial.stop);
    await trial.stop();
    await fails("remove-pod:containers", trial.remove);
    await trial.remove();
    await trial.assertNothing("the end");
  });

  test("because the daemon is killed: the next one goes on from there", { timeout: 400_000 }, async (t) => {
    const environment: Record<string, string> = {};
    const daemon = await startDaemon(t, { environment });
    const before = await prepare(daemon);
    /** The next daemon finds what the last one left, and will die at this step. */
    const nextDaemon = async (step?: string) => {
      delete environment["BERTH_FAILPOINTS"];
      if (step !== undefined) environment["BERTH_FAILPOINTS"] = `${step}=kill`;
      await daemon.kill();
      await daemon.start();
    };
    const trial = new Trial(daemon, before);
    const diesAt = async (
      steps: readonly string[],
      work: () => Promise<void>,
      check: (step: string) => Promise<void>,
    ) => {
      let last = "the beginning";
      for (const step of steps) {
        await nextDaemon(step);
        await check(last);
        await assert.rejects(work(), step);
        last = step;
      }
      await nextDaemon();
      await check(last);
    };
    await diesAt(runSteps, trial.run, async (step) => await trial.assertNothing(step));
    await trial.run();
    const withPod = await tracesOf(daemon);
    const assertNoContainer = async (step: string) => {
      await trial.cri.runtime.removeContainer({ containerId: trial.containerId || unknownId });
      await assertSameTraces(daemon, withPod, `at ${step}`);
    };
    await diesAt(createSteps, trial.create, assertNoContainer);
    const createAndStart = async () => {
      await trial.create();
      await trial.start();
    };
    await diesAt(startSteps, createAndStart, async (step) => {
      if (trial.containerId !== "") await assertStartable(trial, step);
      await assertNoContainer(step);
    });
    await createAndStart();
    assert.equal(await trial.cri.output(trial.containerId, "echo fine"), "fine");
    await trial.remove();
    await trial.assertNothing("start");
    for (const step of [...stopSteps, ...removeSteps]) {
      await nextDaemon(step);
      for (const work of [trial.run, trial.create, trial.start]) await work();
      await assert.rejects(stopSteps.includes(step) ? trial.stop() : trial.remove(), step);
      await nextDaemon();
      await trial.stop();
      await trial.remove();
      await trial.assertNothing(step);
    }
  });
});

/** It has not run, whatever its task did: asked for again it starts. */
async function assertStartable({ cri, containerId }: Trial, step: string): Promise<void> {
  const { state, startedAt } = await cri.status(containerId);
  assert.deepEqual([state, startedAt], [ContainerState.CONTAINER_CREATED, 0n], step);
}
