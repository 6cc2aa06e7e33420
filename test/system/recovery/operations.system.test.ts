// SPDX-License-Identifier: Apache-2.0
// The daemon dies, or fails, in the middle of a pause or a restart: what is recorded is what the kernel does.

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { startDaemon } from "../../support/daemon.ts";
import { execOutput, startContainer } from "../../support/run-container.ts";

suite("a pause or a restart that stops half-way", () => {
  test("because the daemon is killed is known to the next one for what it was", async (t) => {
    const environment: Record<string, string> = {};
    const daemon = await startDaemon(t, { environment });
    await daemon.importBusybox();
    const { containers } = daemon.client;
    const id = await startContainer(daemon.client, { networkMode: "none" });
    const killAt = async (step: string, work: () => Promise<unknown>) => {
      await daemon.kill();
      environment["BERTH_FAILPOINTS"] = `${step}=kill`;
      await daemon.start();
      await assert.rejects(work(), { code: "unavailable" }, step);
      await daemon.kill();
      delete environment["BERTH_FAILPOINTS"];
      await daemon.start();
    };
    await killAt("pause-container:unrecorded", async () => await containers.pause(id));
    assert.equal((await containers.inspect(id)).state?.status, "paused");
    await containers.unpause(id);
    assert.equal(await execOutput(daemon.client, id, "echo goes on"), "goes on");

    await killAt("restart-container:stopped", async () => await containers.restart(id, { timeoutSeconds: 0 }));
    const { state } = await containers.inspect(id);
    assert.deepEqual([state?.status, state?.exitCode], ["exited", 137]);
    await containers.restart(id);
    assert.equal(await execOutput(daemon.client, id, "echo again"), "again");
    await containers.remove(id, { force: true });
  });

  test("because a step fails leaves the container running, or stopped, and usable", async (t) => {
    const steps = ["pause-container:unrecorded", "restart-container:stopped"];
    const daemon = await startDaemon(t, {
      environment: { BERTH_FAILPOINTS: steps.map((step) => `${step}=throw`).join(",") },
    });
    await daemon.importBusybox();
    const { containers } = daemon.client;
    const id = await startContainer(daemon.client, { networkMode: "none" });
    await assert.rejects(containers.pause(id), { code: "internal" });
    assert.equal((await containers.inspect(id)).state?.status, "running");
    assert.equal(await execOutput(daemon.client, id, "echo goes on"), "goes on");
    await assert.rejects(containers.restart(id, { timeoutSeconds: 0 }), { code: "internal" });
    assert.equal((await containers.inspect(id)).state?.status, "exited");
    await containers.start(id);
    assert.equal(await execOutput(daemon.client, id, "echo again"), "again");
    await containers.remove(id, { force: true });
  });
});
