// SPDX-License-Identifier: Apache-2.0
// Pods whose containers end.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { eventually } from "../../support/daemon.ts";
import { type ContainerStatus, containerId, containerStatus } from "../kubelet/api.ts";
import { holds, type TestNode } from "../test-node.ts";
import { hostMount, hostVolume, idle, manifest, type PodCase, shell } from "./pod-case.ts";

/** A container in a crash loop: with its code, its last words, and at most one of its dead kept for long. */
export const crashing: PodCase = {
  name: "crashing",
  steady: ["neighbour"],
  manifest: () =>
    manifest("crashing", {
      containers: [shell("main", "echo last words > /dev/termination-log; exit 3"), shell("neighbour", idle)],
    }),
  async check(node) {
    const { restartCount, state, lastState } = await node.container("crashing", "main");
    assert(restartCount >= 2, `it was restarted ${restartCount} times`);
    const { exitCode, message, reason } = state.terminated ?? lastState.terminated ?? {};
    assert.deepEqual({ exitCode, message, reason }, { exitCode: 3, message: "last words\n", reason: "Error" });
  },
};

/** Fails once, succeeds then, and is not started again. */
export const completed: PodCase = {
  name: "completed",
  steady: ["main"],
  manifest: () =>
    manifest("completed", {
      restartPolicy: "OnFailure",
      volumes: [{ name: "work", emptyDir: {} }],
      containers: [
        shell("main", "test -f /work/again || { touch /work/again; exit 1; }", {
          volumeMounts: [{ name: "work", mountPath: "/work" }],
        }),
      ],
    }),
  async check(node) {
    const { status } = await node.pod("completed");
    const main = status.containerStatuses?.[0];
    assert.deepEqual(
      [status.phase, main?.state.terminated?.reason, main?.state.terminated?.exitCode],
      ["Succeeded", "Completed", 0],
    );
  },
};

/** Takes more memory than it may. */
export const greedy: PodCase = {
  name: "greedy",
  steady: ["main"],
  manifest: () =>
    manifest("greedy", {
      restartPolicy: "Never",
      containers: [
        shell("main", "exec dd if=/dev/zero of=/dev/null bs=100M count=1", {
          resources: { limits: { memory: "24Mi" } },
        }),
      ],
    }),
  async check(node) {
    const { status } = await node.pod("greedy");
    const { reason, exitCode } = status.containerStatuses?.[0]?.state.terminated ?? {};
    assert.deepEqual([status.phase, reason, exitCode], ["Failed", "OOMKilled", 137]);
  },
};

/** Ends with a code of its own when it is told to, whoever is there to see. */
export const leaving: PodCase = {
  name: "leaving",
  steady: [],
  manifest: (node) =>
    manifest("leaving", {
      volumes: [hostVolume(node, "leaving")],
      containers: [
        shell("main", "while [ ! -f /host/leave ]; do sleep 0.2; done; rm /host/leave; exit 7", {
          volumeMounts: [hostMount],
        }),
      ],
    }),
  async check(node) {
    await node.readyPod("leaving");
  },
};

/** Tells that one to leave, and waits until it is about to; no daemon needs to run. */
export async function leave(node: TestNode): Promise<void> {
  const file = path.join(node.sharedDirectory("leaving"), "leave");
  await writeFile(file, "");
  // It takes the file away right before it ends.
  await eventually("the container to leave", () => !existsSync(file), 20_000);
}

/** Its code was told, though nobody was there to see it, and another one runs. */
export async function checkLeft(node: TestNode, before: ContainerStatus): Promise<void> {
  await holds("a container that ended unseen is told of and replaced", async () => {
    const after = containerStatus(await node.readyPod("leaving"), "main");
    assert.notEqual(containerId(after), containerId(before));
    assert.deepEqual([after?.restartCount, after?.lastState.terminated?.exitCode], [before.restartCount + 1, 7]);
  });
}
