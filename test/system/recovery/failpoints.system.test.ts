// SPDX-License-Identifier: Apache-2.0
// The daemon dies, or fails, at each step of creating and starting a container: nothing is left, and all works again.

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { startDaemon, type TestDaemon } from "../../support/daemon.ts";
import { outputOf } from "../../support/run-container.ts";
import { filesOfContainer } from "../../support/traces.ts";

/** In the order in which they are passed. */
const createSteps = ["create-container:mounts", "snapshot/overlay/prepare", "create-container:snapshot"];
const startSteps = [
  "network/cni/intent",
  "network/cni/added",
  "start-container:prepared",
  "runtime/shim:create",
  "runtime/shim:created",
  "start-container:created",
  "start-container:started",
];
const config = { image: "busybox", command: ["sleep", "1000"], mounts: [{ type: "volume", target: "/data" }] };

suite("an operation that stops half-way", () => {
  test("because the daemon is killed leaves nothing to the next one", async (t) => {
    const environment: Record<string, string> = {};
    const daemon = await startDaemon(t, { environment });
    await daemon.importBusybox();
    const { containers } = daemon.client;
    const killAt = async (step: string, work: () => Promise<unknown>) => {
      await daemon.kill();
      environment["BERTH_FAILPOINTS"] = `${step}=kill`;
      await daemon.start();
      await assert.rejects(work(), { code: "unavailable" }, step);
      await daemon.kill();
      delete environment["BERTH_FAILPOINTS"];
      await daemon.start();
    };
    for (const step of createSteps) {
      await killAt(step, async () => await containers.create(config));
      assert.deepEqual(await containers.list({ all: true }), [], step);
    }
    const { id } = await containers.create(config);
    for (const step of startSteps) {
      await killAt(step, async () => await containers.start(id));
      await assertUnstarted(daemon, id, step);
    }
    await worksAgain(daemon, id);
  });

  test("because a step fails leaves nothing behind", async (t) => {
    const steps = [...createSteps, ...startSteps];
    const daemon = await startDaemon(t, {
      environment: { BERTH_FAILPOINTS: steps.map((step) => `${step}=throw`).join(",") },
    });
    await daemon.importBusybox();
    const { containers } = daemon.client;
    const failsAt = (step: string) => ({ code: "internal", message: new RegExp(`failpoint ${step}`) });
    for (const step of createSteps) {
      await assert.rejects(containers.create(config), failsAt(step));
      assert.deepEqual(await containers.list({ all: true }), [], step);
    }
    const { id } = await containers.create(config);
    for (const step of startSteps) {
      await assert.rejects(containers.start(id), failsAt(step));
      await assertUnstarted(daemon, id, step);
      assert.equal((await containers.inspect(id)).state?.exitCode, 128);
    }
    await worksAgain(daemon, id);
  });
});

async function assertUnstarted(daemon: TestDaemon, id: string, step: string): Promise<void> {
  const { sandboxId, state } = await daemon.client.containers.inspect(id);
  assert.deepEqual([state?.status, state?.pid], ["created", 0], step);
  const traces = (await filesOfContainer(daemon, id, sandboxId)).filter((trace) => !trace.includes("/logs/"));
  assert.deepEqual(traces, [], step);
}

async function worksAgain(daemon: TestDaemon, id: string): Promise<void> {
  const { containers } = daemon.client;
  const { sandboxId } = await containers.inspect(id);
  await containers.start(id);
  await containers.remove(id, { force: true, volumes: true });
  assert.deepEqual(await filesOfContainer(daemon, id, sandboxId), []);
  assert.equal(await outputOf(daemon.client, "echo fine"), "fine");
}
