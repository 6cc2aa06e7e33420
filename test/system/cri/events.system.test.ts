// SPDX-License-Identifier: Apache-2.0
// What a kubelet hears of pods without asking: every change, in order, with how things stand.

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import {
  type ContainerEventResponse,
  ContainerEventType,
  ContainerState,
  PodSandboxState,
} from "../../../src/gen/runtime/v1/api_pb.js";
import { eventually } from "../../support/eventually.ts";
import { suiteCri } from "../../support/suite-cri.ts";

suite("the events of pods", () => {
  const own = suiteCri();

  /** Collects what there is from now on: a marker that was seen says that it has begun. */
  async function subscribe() {
    const seen: ContainerEventResponse[] = [];
    const controller = new AbortController();
    const done = (async () => {
      const { signal } = controller;
      for await (const event of own.cri.runtime.getContainerEvents({}, { signal })) seen.push(event);
    })().catch((error: unknown) => {
      if (!controller.signal.aborted) throw error;
    });
    await eventually("a first event", async () => {
      if (seen.length > 0) return true;
      await own.cri.removePod(await own.cri.runPod());
      return undefined;
    });
    return {
      of: (...ids: readonly string[]) => seen.filter(({ containerId }) => ids.includes(containerId)),
      async [Symbol.asyncDispose]() {
        controller.abort();
        await done;
      },
    };
  }

  const named = (events: readonly ContainerEventResponse[], names: Readonly<Record<string, string>>) =>
    events.map(({ containerId, containerEventType }) => {
      const type = ContainerEventType[containerEventType] ?? "";
      return `${names[containerId]} ${type.replace("CONTAINER_", "").replace("_EVENT", "").toLowerCase()}`;
    });

  test("come in order to each that listens, with the statuses of that moment", async () => {
    await using first = await subscribe();
    await using second = await subscribe();
    const pod = await own.cri.runPod({ labels: { app: "heard" } });
    const id = await own.cri.startScript(pod, "exit 3");
    await own.cri.exited(id);
    await own.cri.runtime.removeContainer({ containerId: id });
    await own.cri.runtime.stopPodSandbox({ podSandboxId: pod });
    await own.cri.runtime.removePodSandbox({ podSandboxId: pod });
    const expected = [
      "pod created",
      "pod started",
      "container created",
      "container started",
      "container stopped",
      "container deleted",
      "pod stopped",
      "pod deleted",
    ];
    for (const subscriber of [first, second]) {
      await eventually("all of them", () => (subscriber.of(pod, id).length >= expected.length ? true : undefined));
      const events = subscriber.of(pod, id);
      assert.deepEqual(named(events, { [pod]: "pod", [id]: "container" }), expected);
      const times = events.map(({ createdAt }) => createdAt);
      assert.deepEqual(
        times.toSorted((a, b) => Number(a - b)),
        times,
      );
      const at = (name: string) => events[expected.indexOf(name)];
      assert.equal(at("pod started")?.podSandboxStatus?.metadata?.namespace, "tests");
      assert.deepEqual({ ...at("pod started")?.podSandboxStatus?.labels }, { app: "heard" });
      assert.equal(at("container created")?.podSandboxStatus?.state, PodSandboxState.SANDBOX_READY);
      assert.equal(at("container created")?.containersStatuses[0]?.id, id);
      const [stopped] = at("container stopped")?.containersStatuses ?? [];
      assert.deepEqual([stopped?.state, stopped?.exitCode], [ContainerState.CONTAINER_EXITED, 3]);
      assert.deepEqual(at("container deleted")?.containersStatuses, []);
      assert.equal(at("pod stopped")?.podSandboxStatus?.state, PodSandboxState.SANDBOX_NOTREADY);
    }
  });

  test("tell of what stopping and removing a pod ends, once each", async () => {
    await using listener = await subscribe();
    const pod = await own.cri.runPod();
    const id = await own.cri.start(pod);
    await own.cri.runtime.stopContainer({ containerId: id, timeout: 0n });
    const other = await own.cri.start(pod);
    await own.cri.removePod(pod);
    await eventually("the last", () => (listener.of(pod).length >= 4 ? true : undefined));
    const names = { [pod]: "pod", [id]: "one", [other]: "other" };
    const heard = named(listener.of(pod, id, other), names);
    assert.deepEqual(
      heard.filter((line) => line.startsWith("one")),
      ["one created", "one started", "one stopped", "one deleted"],
    );
    assert.deepEqual(
      heard.filter((line) => line.startsWith("other")),
      ["other created", "other started", "other stopped", "other deleted"],
    );
    assert.deepEqual(heard.slice(-1), ["pod deleted"]);
    assert.equal(heard.filter((line) => line === "pod stopped").length, 1);
  });

  test("are those of pods alone", async () => {
    await using listener = await subscribe();
    const { id } = await own.daemon.client.containers.create({ image: "busybox", command: ["true"] });
    await own.daemon.client.containers.remove(id, {});
    const pod = await own.cri.runPod();
    await own.cri.removePod(pod);
    await eventually("the pod's", () => (listener.of(pod).length >= 4 ? true : undefined));
    assert.deepEqual(listener.of(id), []);
  });
});
