// SPDX-License-Identifier: Apache-2.0
// The daemon is killed at random moments while containers come and go: records and kernel agree afterwards.

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { eventually } from "../../support/daemon.ts";
import { outputOf } from "../../support/run-container.ts";
import { suiteDaemon } from "../../support/suite-daemon.ts";
import { filesOfContainer } from "../../support/traces.ts";

const rounds = 15;

suite("a daemon that is killed at any moment", () => {
  const own = suiteDaemon();

  /** An exit that the daemon before did not see is settled while the new one serves already; --rm then removes. */
  const agreesWithKernel = async (id: string): Promise<true | undefined> => {
    try {
      const { state } = await own.client.containers.inspect(id);
      if (state?.status === "running") process.kill(state.pid, 0);
      return true;
    } catch (error) {
      const { code } = error as { readonly code?: string };
      if (code === "not-found") return true;
      if (code === "ESRCH") return undefined;
      throw error;
    }
  };
  const removeIfThere = async (id: string) => {
    await own.client.containers.remove(id, { force: true }).catch((error: { readonly code?: string }) => {
      if (error.code !== "not-found") throw error;
    });
  };

  test("finds its way back, and everything can be removed", async (t) => {
    const { containers } = own.client;
    const config = { image: "busybox", command: ["sleep", "1000"] };
    const cycle = async (networkMode: string) => {
      for (;;) {
        const { id } = await containers.create({ ...config, networkMode, autoRemove: networkMode === "none" });
        await containers.start(id);
        await containers.stop(id, { timeoutSeconds: 0 });
        if (networkMode !== "none") await containers.remove(id);
      }
    };
    for (let round = 0; round < rounds; round++) {
      const work = Promise.allSettled([cycle("bridge"), cycle("none")]);
      const delayMs = Math.floor(Math.random() * 1000);
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      await own.daemon.kill();
      for (const result of await work) {
        const { reason } = result as PromiseRejectedResult;
        assert.equal((reason as { code: string }).code, "unavailable", String(reason));
      }
      await own.daemon.start();
      const all = await containers.list({ all: true });
      t.diagnostic(`round ${round}, killed after ${delayMs} ms: ${all.map(({ state }) => state?.status).join(" ")}`);
      for (const { id, sandboxId } of all) {
        await eventually("what runs to run", async () => await agreesWithKernel(id));
        await removeIfThere(id);
        let traces: readonly string[] = [];
        await eventually("nothing to be left", async () => {
          traces = await filesOfContainer(own.daemon, id, sandboxId);
          return traces.length === 0 || undefined;
        }).catch(() => assert.deepEqual(traces, []));
      }
    }
    assert.deepEqual(await containers.list({ all: true }), []);
    assert.equal(await outputOf(own.client, "echo fine"), "fine");
  });
});
