// SPDX-License-Identifier: Apache-2.0
// What each operation does to a container in each state, how it ends, and what a run leaves for the next.

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { eventually } from "../../support/daemon.ts";
import { execOutput, outputOf, runContainer, startContainer } from "../../support/run-container.ts";
import { suiteDaemon } from "../../support/suite-daemon.ts";
import { filesOfContainer } from "../../support/traces.ts";

/** Ends at once on SIGTERM, as a program does that handles it. */
const obedient = ["sh", "-c", "trap 'exit 143' TERM; echo ready; while :; do sleep 0.1; done"];
/** Init ignores signals that it does not handle. */
const stubborn = ["sleep", "1000"];

suite("the states of a container", () => {
  const own = suiteDaemon();
  const create = async (command: readonly string[], init = {}) =>
    (await own.client.containers.create({ image: "busybox", command: [...command], networkMode: "none", ...init })).id;
  const started = async (command: readonly string[], init = {}) =>
    await startContainer(own.client, { command: [...command], networkMode: "none", ...init });
  /** Its traps are set. */
  const ready = async (id: string) => {
    await eventually("the traps", async () => (await logText(id)).includes("ready") || undefined);
    return id;
  };
  const stateOf = async (id: string) => (await own.client.containers.inspect(id)).state;
  const conflicts = async (work: Promise<unknown>, message: RegExp) =>
    await assert.rejects(work, (error: Error & { code: string }) => {
      assert.match(error.message, message);
      assert.equal(error.code, "conflict");
      return true;
    });

  test("a created one can be started once, and tells so the second time", async () => {
    const { containers } = own.client;
    const id = await create(stubborn);
    assert.equal((await stateOf(id))?.status, "created");
    await conflicts(containers.kill(id), /cannot kill container: .*is not running/);
    assert.equal((await containers.stop(id)).alreadyStopped, true);
    assert.equal((await containers.start(id)).alreadyRunning, false);
    const state = await stateOf(id);
    assert.equal(state?.status, "running");
    process.kill(state?.pid ?? 0, 0);
    assert.equal((await containers.start(id)).alreadyRunning, true);
    assert.equal((await stateOf(id))?.pid, state?.pid);
    await conflicts(containers.remove(id), /cannot remove container .*container is running: stop the container/);
    await containers.remove(id, { force: true });
    await assert.rejects(containers.inspect(id), { code: "not-found", message: `no such container: ${id}` });
  });

  test("an exited one keeps its code and times, stays stopped, and can be removed", async () => {
    const { containers } = own.client;
    const id = await started(["sh", "-c", "exit 7"]);
    assert.deepEqual(
      { ...(await (await containers.wait(id)).exit), $typeName: "" },
      { $typeName: "", exitCode: 7, error: "" },
    );
    const state = await stateOf(id);
    assert.equal(state?.status, "exited");
    assert.equal(state?.exitCode, 7);
    assert.equal(state?.pid, 0);
    assert.ok((state?.finishedAt?.seconds ?? 0n) >= (state?.startedAt?.seconds ?? 1n));
    assert.equal((await containers.stop(id)).alreadyStopped, true);
    await conflicts(containers.kill(id), /is not running/);
    assert.equal((await (await containers.wait(id)).exit).exitCode, 7);
    await containers.remove(id);
    assert.deepEqual(await filesOfContainer(own.daemon, id), []);
  });

  test("starting again keeps the file system and forgets the last exit", async () => {
    const { containers } = own.client;
    const id = await create(["sh", "-c", "echo run >> /runs; wc -l < /runs; exit $(wc -l < /runs)"]);
    for (let run = 1; run <= 5; run++) {
      const { exit } = await containers.wait(id, { condition: "next-exit" });
      await containers.start(id);
      assert.equal((await exit).exitCode, run);
    }
    const lines: string[] = [];
    for await (const { content } of containers.logs(id)) lines.push(Buffer.from(content).toString());
    assert.deepEqual(lines, ["1\n", "2\n", "3\n", "4\n", "5\n"]);
    await containers.remove(id);
  });

  test("stopping sends the stop signal and waits: 143, 137 when it has to be killed", async () => {
    const { containers } = own.client;
    const kind = await ready(await started(obedient));
    await containers.stop(kind, { timeoutSeconds: 30 });
    assert.equal((await stateOf(kind))?.exitCode, 143);
    const deaf = await started(stubborn);
    const before = Date.now();
    await containers.stop(deaf, { timeoutSeconds: 1 });
    assert.ok(Date.now() - before >= 1000);
    assert.equal((await stateOf(deaf))?.exitCode, 137);
    const own1 = await started(["sh", "-c", "trap 'exit 9' USR1; echo ready; while :; do sleep 0.1; done"], {
      stopSignal: "SIGUSR1",
    });
    await ready(own1);
    await containers.stop(own1, { timeoutSeconds: -1 });
    assert.equal((await stateOf(own1))?.exitCode, 9);
    const asked = await started(["sh", "-c", "trap 'exit 4' HUP; echo ready; while :; do sleep 0.1; done"]);
    await ready(asked);
    await containers.stop(asked, { posixSignal: "HUP" });
    assert.equal((await stateOf(asked))?.exitCode, 4);
    const hasty = await started(stubborn, { stopTimeoutSeconds: 0 });
    await containers.stop(hasty);
    assert.equal((await stateOf(hasty))?.exitCode, 137);
    for (const id of [kind, deaf, own1, asked, hasty]) await containers.remove(id);
  });

  test("a stop goes on when its client has left", async () => {
    const { containers } = own.client;
    const id = await started(stubborn);
    await assert.rejects(containers.stop(id, { timeoutSeconds: 1, signal: AbortSignal.timeout(200) }));
    await eventually("its end", async () => (await stateOf(id))?.status === "exited" || undefined);
    assert.equal((await stateOf(id))?.exitCode, 137);
    await containers.remove(id);
  });

  test("kill sends any signal, and waits for the end only with KILL", async () => {
    const { containers } = own.client;
    const id = await started([
      "sh",
      "-c",
      "trap 'echo usr1' USR1; trap 'exit 3' TERM; echo ready; while :; do sleep 0.1; done",
    ]);
    await eventually("the traps", async () => (await logText(id)).includes("ready") || undefined);
    await containers.kill(id, { posixSignal: "USR1" });
    await eventually("the trap's output", async () => (await logText(id)).includes("usr1") || undefined);
    const { exit } = await containers.wait(id);
    await containers.kill(id, { posixSignal: "15" });
    assert.equal((await exit).exitCode, 3);
    await assert.rejects(containers.kill(id, { posixSignal: "NONSENSE" }), { code: "invalid-argument" });
    await containers.start(id);
    await containers.kill(id);
    assert.deepEqual([(await stateOf(id))?.status, (await stateOf(id))?.exitCode], ["exited", 137]);
    await containers.remove(id);
  });

  async function logText(id: string): Promise<string> {
    let text = "";
    for await (const { content } of own.client.containers.logs(id)) text += Buffer.from(content).toString();
    return text;
  }

  test("exit codes are the process's own, or 128 and the signal", async () => {
    for (const code of [0, 1, 125, 255]) {
      assert.equal((await runContainer(own.client, `exit ${code}`, { networkMode: "none" })).exitCode, code);
    }
    const { exitCode } = await runContainer(own.client, "sh -c 'kill -SEGV $$'; exit $?", { networkMode: "none" });
    assert.equal(exitCode, 139);
    const id = await started(["sh", "-c", "trap - ALRM; exec sleep 1000"], { init: false });
    const { pid } = (await stateOf(id)) ?? {};
    const { exit } = await own.client.containers.wait(id);
    process.kill(pid ?? 0, "SIGKILL");
    assert.equal((await exit).exitCode, 137);
    await own.client.containers.remove(id);
  });

  test("waiting: for the next exit before the start, for the removal, and with a container removed meanwhile", async () => {
    const { containers } = own.client;
    const id = await create(["sh", "-c", "exit 5"], { autoRemove: true });
    const removed = await containers.wait(id, { condition: "removed" });
    const next = await containers.wait(id, { condition: "next-exit" });
    await containers.start(id);
    assert.equal((await next.exit).exitCode, 5);
    assert.equal((await removed.exit).exitCode, 5);
    await assert.rejects(containers.inspect(id), { code: "not-found" });
    // The answer does not wait for what only the runtime still has of it.
    await eventually(
      "its last traces to go",
      async () => (await filesOfContainer(own.daemon, id)).length === 0 || undefined,
    );
    const unstarted = await create(stubborn);
    const waits = [
      await containers.wait(unstarted, { condition: "next-exit" }),
      await containers.wait(unstarted, { condition: "removed" }),
    ];
    await containers.remove(unstarted);
    for (const { exit } of waits) assert.equal((await exit).exitCode, 0);
    await assert.rejects(containers.wait(unstarted), { code: "not-found" });
    await assert.rejects(containers.wait(unstarted, { condition: "sometime" as "removed" }), {
      code: "invalid-argument",
    });
  });

  test("a container that is removed while it starts is removed", async () => {
    const { containers } = own.client;
    for (let round = 0; round < 3; round++) {
      const id = await create(stubborn);
      const starting = containers.start(id);
      const removing = containers.remove(id, { force: true });
      await Promise.allSettled([starting, removing]);
      await removing;
      await assert.rejects(containers.inspect(id), { code: "not-found" });
      assert.deepEqual(await filesOfContainer(own.daemon, id), []);
    }
  });

  test("a start whose client leaves is finished or taken back, and can be repeated", async () => {
    const { containers } = own.client;
    for (const delayMs of [5, 60, 120]) {
      const id = await create(stubborn, { networkMode: "bridge" });
      await containers.start(id, { signal: AbortSignal.timeout(delayMs) }).catch(() => {});
      const { alreadyRunning } = await containers.start(id);
      if (!alreadyRunning) assert.equal((await stateOf(id))?.error, "");
      assert.equal(await execOutput(own.client, id, "cat /proc/1/comm"), "sleep");
      await containers.remove(id, { force: true });
      assert.deepEqual(await filesOfContainer(own.daemon, id), []);
    }
  });

  test("many at once: started, stopped and removed, with nothing left", async () => {
    const { containers } = own.client;
    const ids = await Promise.all(
      Array.from({ length: 20 }, async () => await create(obedient, { networkMode: "bridge" })),
    );
    await Promise.all(ids.map(async (id) => await containers.start(id)));
    assert.equal((await containers.list()).length, 20);
    const addresses = (await containers.list()).map(({ networks }) => networks[0]?.addresses[0]);
    assert.equal(new Set(addresses).size, 20);
    await Promise.all(ids.slice(0, 10).map(async (id) => await containers.stop(id)));
    assert.equal((await containers.list()).length, 10);
    await Promise.all(ids.map(async (id) => await containers.remove(id, { force: true })));
    assert.deepEqual(await containers.list({ all: true }), []);
    for (const id of ids) assert.deepEqual(await filesOfContainer(own.daemon, id), []);
  });

  test("a container that its memory limit kills says so", async () => {
    const { containers } = own.client;
    const id = await create(["sh", "-c", "tail -c 200m /dev/zero | tail -c 1; exec tail /dev/zero"], {
      resources: { memoryBytes: BigInt(32 * 1024 * 1024), memorySwapBytes: BigInt(32 * 1024 * 1024) },
    });
    const events: string[] = [];
    const controller = new AbortController();
    const { promise: ready, resolve } = Promise.withResolvers<void>();
    const listening = (async () => {
      for await (const { action } of own.client.system.events({
        signal: controller.signal,
        onReady: resolve,
        filters: { container: [id] },
      }))
        events.push(action);
    })().catch(() => {});
    await ready;
    const { exit } = await containers.wait(id, { condition: "next-exit" });
    await containers.start(id);
    assert.equal((await exit).exitCode, 137);
    assert.equal((await stateOf(id))?.oomKilled, true);
    await eventually("the event", () => events.includes("die") || undefined);
    assert.deepEqual(events, ["start", "oom", "die"]);
    controller.abort();
    await listening;
    await containers.remove(id);
    assert.equal(await outputOf(own.client, "echo fine", { networkMode: "none" }), "fine");
  });
});
