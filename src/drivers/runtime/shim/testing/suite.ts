// SPDX-License-Identifier: Apache-2.0
// What every runtime handler must do, against the real kernel.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { cancelled, EngineError } from "../../../../base/errors.ts";
import { armFailpoint } from "../../../../base/failpoint.ts";
import { delay } from "../../../../base/lifetime.ts";
import { type PosixSignal, sigkill, sigterm } from "../../../../base/posix-signal.ts";
import type { RuntimeHandler, Task, TaskRequest } from "../../../../core/tasks/task-runtime.ts";
import { eventually, Fixture, signal } from "./fixture.ts";

const none = { terminal: false } as const;

/** Registers the tests for one handler. */
export function testHandler(handler: RuntimeHandler): void {
  const on = (name: string, work: (fixture: Fixture) => Promise<void>) => {
    void test(`${handler.name}: ${name}`, { timeout: 60_000 }, async () => {
      await using fixture = await Fixture.open(handler);
      await work(fixture);
    });
  };

  on("runs a task to its exit code, with its output", async (fixture) => {
    await using streams = await fixture.streams().open();
    const request = fixture.request(["/bin/sh", "-c", "echo out; echo err >&2; exit 7"], streams.stdio);
    const task = await fixture.runtime.create(request, { signal });
    assert.ok(task.pid > 0);
    assert.equal(await task.status({ signal }), "created");
    assert.deepEqual(await fixture.runtime.list(), [request.id]);
    const before = Date.now();
    await task.start({ signal });
    const exit = await task.wait({ signal });
    assert.equal(exit.exitCode, 7);
    assert.ok(exit.exitedAt >= before - 1000 && exit.exitedAt <= Date.now() + 1000);
    assert.equal(await task.status({ signal }), "stopped");
    assert.equal(await task.oomKilled(), false);
    assert.deepEqual((await streams.end()).split("\n").toSorted(), ["", "err", "out"]);
    await task.delete({ signal });
    await task.delete({ signal });
    assert.deepEqual(await task.wait({ signal }), exit);
    await assert.rejects(task.kill(sigterm, { signal }), { code: "not-found" });
    await assert.rejects(task.status({ signal }), { code: "not-found" });
    assert.deepEqual(await fixture.runtime.list(), []);
    assert.deepEqual(await fixture.leftovers(), []);
  });

  on("kills, pauses, resumes, updates and lists processes", async (fixture) => {
    const request = fixture.request(["/bin/sh", "-c", "sleep 1000 & wait"], none);
    const task = await fixture.runtime.create(request, { signal });
    await task.start({ signal });
    assert.equal(await task.status({ signal }), "running");
    await eventually(
      async () => (await task.pids({ signal })).length === 2,
      () => "not two processes",
    );
    assert.ok((await task.pids({ signal })).includes(task.pid));
    await task.pause({ signal });
    assert.equal(await task.status({ signal }), "paused");
    await task.resume({ signal });
    assert.equal(await task.status({ signal }), "running");
    await task.update({ pids: { limit: 77 } }, { signal });
    assert.equal((await readCgroup(task.pid, "pids", "pids.max")).trim(), "77");
    await task.kill(sigkill, { signal });
    assert.equal((await task.wait({ signal })).exitCode, 137);
    await assert.rejects(task.kill(sigkill, { signal }), { code: "not-found" });
    await task.delete({ signal });
  });

  on("hands standard input on and ends it", async (fixture) => {
    await using streams = await fixture.streams({ stdin: true }).open();
    const task = await fixture.runtime.create(fixture.request(["/bin/cat"], streams.stdio), { signal });
    await task.start({ signal });
    streams.write("hello\n");
    await streams.until("hello\n");
    streams.endInput();
    await task.closeStdin({ signal });
    assert.equal((await task.wait({ signal })).exitCode, 0);
    assert.equal(await streams.end(), "hello\n");
    await task.delete({ signal });
  });

  on("gives a terminal and resizes it", async (fixture) => {
    await using streams = await fixture.streams({ stdin: true, terminal: true }).open();
    const task = await fixture.runtime.create(fixture.request(["/bin/sh"], streams.stdio), { signal });
    await task.start({ signal });
    await task.resize({ width: 123, height: 45 }, { signal });
    streams.write("stty size; exit 3\n");
    await streams.until("45 123");
    assert.equal((await task.wait({ signal })).exitCode, 3);
    await task.delete({ signal });
  });

  on("runs further processes, with and without a terminal", async (fixture) => {
    const task = await fixture.runtime.create(fixture.request(["/bin/sleep", "1000"], none), { signal });
    await task.start({ signal });
    await using plain = await fixture.streams().open();
    const command = fixture.process(["/bin/sh", "-c", "echo $0; exit 5", "exec"]);
    const first = await task.exec("first", command, plain.stdio, { signal });
    await first.start({ signal });
    assert.ok(first.pid > 0);
    assert.equal((await first.wait({ signal })).exitCode, 5);
    assert.equal(await plain.end(), "exec\n");
    await first.delete({ signal });
    await using terminal = await fixture.streams({ terminal: true }).open();
    const second = await task.exec("second", fixture.process(["/bin/tty"], true), terminal.stdio, { signal });
    await second.start({ signal });
    assert.equal((await second.wait({ signal })).exitCode, 0);
    await terminal.until("/dev/pts/");
    await second.delete({ signal });
    const third = await task.exec("third", fixture.process(["/bin/sleep", "1000"]), none, { signal });
    await third.start({ signal });
    await third.kill(15 as PosixSignal, { signal });
    assert.equal((await third.wait({ signal })).exitCode, 143);
    await third.delete({ signal });
    const missing = await task.exec("missing", fixture.process(["nope"]), none, { signal });
    await assert.rejects(missing.start({ signal }), { name: "EngineError", message: /not found in \$PATH/ });
    assert.equal(await task.status({ signal }), "running");
    await task.kill(sigkill, { signal });
    await task.wait({ signal });
    await task.delete({ signal });
  });

  on("ends a further process whose start nobody waits for any more", async (fixture) => {
    const task = await fixture.runtime.create(fixture.request(["/bin/sleep", "1000"], none), { signal });
    await task.start({ signal });
    for (const milliseconds of [2, 10, 20, 40]) {
      const caller = new AbortController();
      const exec = await task.exec(`left-${milliseconds}`, fixture.process(["/bin/sleep", "1000"]), none, { signal });
      const start = exec.start({ signal: caller.signal });
      setTimeout(() => caller.abort(cancelled("the client has gone")), milliseconds);
      const isStarted = await start.then(
        () => true, // the machine was too fast
        () => false,
      );
      if (isStarted) await exec.kill(sigkill, { all: true, signal });
      if (isStarted) await exec.wait({ signal });
      assert.deepEqual(await task.pids({ signal }), [task.pid]);
    }
    await task.kill(sigkill, { signal });
    await task.wait({ signal });
    await task.delete({ signal });
  });

  on("recognises an out-of-memory kill", async (fixture) => {
    const limit = 16 * 1024 * 1024;
    const hog = ["/bin/sh", "-c", "dd if=/dev/zero of=/dev/null bs=64M count=1"];
    const request = fixture.request(hog, none, { resources: { memory: { limit, swap: limit } } });
    const task = await fixture.runtime.create(request, { signal });
    await task.start({ signal });
    assert.notEqual((await task.wait({ signal })).exitCode, 0);
    assert.equal(await task.oomKilled(), true);
    await task.delete({ signal });
    assert.equal(await task.oomKilled(), true);
  });

  on("keeps the runtime's words when a command cannot be run, and leaves nothing", async (fixture) => {
    const cases = [
      { args: ["nope"], words: /not found in \$PATH/ },
      { args: ["/bin/nope"], words: /no such file or directory/i },
      { args: ["/etc/plain"], words: /permission denied/i },
    ];
    for (const { args, words } of cases) {
      const request = fixture.request(args, none);
      await assert.rejects(run(fixture, request), { name: "EngineError", message: words });
      assert.deepEqual(await fixture.runtime.list(), []);
      assert.deepEqual(await fixture.leftovers(), []);
    }
  });

  on("removes a task that was made and never started, and one announced and never made", async (fixture) => {
    const request = fixture.request(["/bin/true"], none);
    fixture.runtime.warm?.({ ...request });
    const task = await fixture.runtime.create(request, { signal });
    await assert.rejects(fixture.runtime.create(request, { signal }), { code: "already-exists" });
    await task.delete({ signal });
    assert.deepEqual(await fixture.leftovers(), []);
    const never = fixture.request(["/bin/true"], none);
    fixture.runtime.warm?.({ ...never });
    await fixture.runtime.purge(never.id, { signal });
    assert.deepEqual(await fixture.leftovers(), []);
    for (const milliseconds of [0, 10, 100]) {
      fixture.runtime.warm?.({ ...fixture.request(["/bin/true"], none) });
      await delay(milliseconds, { signal });
      await fixture.closeRuntime();
      assert.deepEqual(await fixture.leftovers(), [], `closed after ${milliseconds} ms`);
      await fixture.openRuntime();
    }
  });

  on("shares one shim among the tasks of a sandbox until the last has gone", async (fixture) => {
    const first = fixture.request(["/bin/sleep", "1000"], none);
    const second = { ...fixture.request(["/bin/sleep", "1000"], none), sandboxId: first.sandboxId };
    const tasks = await Promise.all([first, second].map((request) => fixture.runtime.create(request, { signal })));
    await Promise.all(tasks.map((task) => task.start({ signal })));
    const shims = async () =>
      (await fixture.leftovers()).filter((line) => line.startsWith("process") && line.includes("shim"));
    assert.equal((await shims()).length, 1);
    for (const [index, task] of tasks.entries()) {
      await task.kill(sigkill, { signal });
      assert.equal((await task.wait({ signal })).exitCode, 137);
      await task.delete({ signal });
      assert.equal((await shims()).length, index === 0 ? 1 : 0);
    }
  });

  on("finds its tasks after the daemon was killed, also those that ended meanwhile", async (fixture) => {
    await using streams = await fixture.streams({ stdin: true }).open();
    await fixture.closeRuntime();
    const running = fixture.request(["/bin/cat"], streams.stdio);
    const ended = fixture.request(["/bin/sh", "-c", "sleep 0.2; exit 9"], none);
    await killDaemonWith(fixture, [running, ended]);
    const { pid } = JSON.parse(await readFile(shimRecord(fixture, ended), "utf8")).process as { readonly pid: number };
    await eventually(
      async () => (await childrenOf(pid)).length === 0,
      () => "the task does not end",
    );
    const runtime = await fixture.openRuntime();
    assert.deepEqual((await runtime.list()).toSorted(), [running.id, ended.id].toSorted());
    const [one, two] = await Promise.all([running, ended].map(({ id }) => runtime.adopt(id, { signal })));
    assert.ok(one !== undefined && two !== undefined);
    assert.equal(await one.status({ signal }), "running");
    assert.equal(await two.status({ signal }), "stopped");
    assert.equal((await two.wait({ signal })).exitCode, 9);
    streams.write("still here\n");
    await streams.until("still here\n");
    streams.endInput();
    await one.closeStdin({ signal });
    assert.equal((await one.wait({ signal })).exitCode, 0);
    for (const task of [one, two]) await task.delete({ signal });
    assert.equal(await runtime.adopt(running.id, { signal }), undefined);
    assert.deepEqual(await fixture.leftovers(), []);
  });

  on("leaves nothing that a later start cannot remove, wherever the daemon is killed", async (fixture) => {
    await fixture.closeRuntime();
    for (const crashAt of ["runtime/shim:launched", "runtime/shim:create", "runtime/shim:created"]) {
      const request = fixture.request(["/bin/sleep", "1000"], none);
      await killDaemonWith(fixture, [request], crashAt);
      const runtime = await fixture.openRuntime();
      assert.deepEqual(await runtime.list(), [request.id], crashAt);
      const task = await runtime.adopt(request.id, { signal });
      assert.equal(await task?.status({ signal }), crashAt === "runtime/shim:created" ? "created" : undefined, crashAt);
      await runtime.purge(request.id, { signal });
      assert.deepEqual(await runtime.list(), []);
      assert.deepEqual(await fixture.leftovers(), [], crashAt);
      await fixture.closeRuntime();
    }
  });

  on("undoes a create that is aborted half-way", async (fixture) => {
    // While the shim starts, before the runtime's work and during it.
    for (const { at, milliseconds } of [
      { at: "start", milliseconds: 2 },
      { at: "runtime/shim:launched", milliseconds: 0 },
      { at: "runtime/shim:create", milliseconds: 0 },
      { at: "runtime/shim:create", milliseconds: 5 },
    ]) {
      const controller = new AbortController();
      const reason = new EngineError("cancelled", `enough at ${at}`);
      const abort = () => void setTimeout(() => controller.abort(reason), milliseconds);
      using _armed = armFailpoint(at, abort);
      if (at === "start") abort();
      const request = fixture.request(["/bin/sleep", "1000"], none);
      await assert.rejects(fixture.runtime.create(request, { signal: controller.signal }), reason);
      assert.deepEqual(await fixture.runtime.list(), []);
      assert.deepEqual(await fixture.leftovers(), [], `after ${milliseconds} ms of ${at}`);
    }
  });

  on("runs many tasks at once", async (fixture) => {
    const codes = await Promise.all(
      Array.from({ length: 8 }, async (_, index) => {
        const request = fixture.request(["/bin/sh", "-c", `exit ${index}`], none);
        const task = await fixture.runtime.create(request, { signal });
        await task.start({ signal });
        const { exitCode } = await task.wait({ signal });
        await task.delete({ signal });
        return exitCode;
      }),
    );
    assert.deepEqual(codes, [0, 1, 2, 3, 4, 5, 6, 7]);
  });

  on("reports a task as killed when its shim dies, and purges what is left", async (fixture) => {
    const requests = [1, 2].map(() => fixture.request(["/bin/sleep", "1000"], none));
    for (const request of requests) {
      const task = await fixture.runtime.create(request, { signal });
      await task.start({ signal });
      const { pid } = JSON.parse(await readFile(shimRecord(fixture, request), "utf8")).process as { pid: number };
      if (request === requests[1]) await fixture.closeRuntime();
      process.kill(pid, "SIGKILL");
      if (request === requests[1]) break;
      assert.equal((await task.wait({ signal })).exitCode, 137);
      await task.delete({ signal });
      assert.deepEqual(await fixture.leftovers(), []);
    }
    const runtime = await fixture.openRuntime();
    const id = requests[1]?.id ?? "";
    assert.equal(await runtime.adopt(id, { signal }), undefined);
    await runtime.purge(id, { signal });
    await runtime.purge(id, { signal });
    assert.deepEqual(await runtime.list(), []);
    assert.deepEqual(await fixture.leftovers(), []);
  });

  on("purges a task in any state", async (fixture) => {
    const states = {
      created: async () => {},
      running: async (task: Task) => await task.start({ signal }),
      paused: async (task: Task) => {
        await task.start({ signal });
        await task.pause({ signal });
      },
      stopped: async (task: Task) => {
        await task.start({ signal });
        await task.kill(sigkill, { signal });
        await task.wait({ signal });
      },
    };
    for (const [state, bring] of Object.entries(states)) {
      const request = fixture.request(["/bin/sleep", "1000"], none);
      const task = await fixture.runtime.create(request, { signal });
      await bring(task);
      assert.equal(await task.status({ signal }), state);
      await fixture.runtime.purge(request.id, { signal });
      assert.equal((await task.wait({ signal })).exitCode, 137);
      assert.deepEqual(await fixture.runtime.list(), []);
      assert.deepEqual(await fixture.leftovers(), [], state);
    }
  });

  on("says what the runtime can do", async (fixture) => {
    const features = await fixture.runtime.probe(handler, { signal });
    assert.match(features.ociVersion, /^1\.\d/);
    assert.match(features.version, /^\d+\.\d/);
    assert.equal(features.seccomp, true);
    const broken = { ...handler, name: "broken", binary: "berth-no-such-runtime" };
    await assert.rejects(fixture.runtime.probe(broken, { signal }), {
      code: "failed-precondition",
      message: /broken cannot run here: berth-no-such-runtime is not on PATH/,
    });
    await assert.rejects(fixture.runtime.create({ ...fixture.request(["/bin/true"]), handler: broken }, { signal }), {
      code: "failed-precondition",
    });
    assert.deepEqual(await fixture.leftovers(), []);
  });
}

/** Creates and starts; a task that cannot start is deleted. */
async function run(fixture: Fixture, request: TaskRequest): Promise<void> {
  const task = await fixture.runtime.create(request, { signal });
  try {
    await task.start({ signal });
  } finally {
    await task.delete({ signal });
  }
}

function shimRecord(fixture: Fixture, request: TaskRequest): string {
  return join(fixture.state, "run", "shims", request.sandboxId, "shim.json");
}

/** Lets another process run the tasks and kills it: when they run, or at a failpoint. */
async function killDaemonWith(fixture: Fixture, requests: readonly TaskRequest[], crashAt?: string): Promise<void> {
  const parameters = JSON.stringify({ dependencies: fixture.dependencies, requests, crashAt });
  const daemon = spawn(process.execPath, [join(import.meta.dirname, "daemon.ts"), parameters], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(daemon, "exit");
  await Promise.race([once(daemon.stdout, "data"), ended]);
  assert.equal(daemon.exitCode, null, "the daemon ended by itself");
  if (crashAt === undefined) daemon.kill("SIGKILL");
  await ended;
  assert.equal(daemon.signalCode, "SIGKILL");
}

async function childrenOf(pid: number): Promise<readonly string[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8");
  return text.split(" ").filter((part) => part !== "");
}

/** A file of the cgroup that a process is in. */
async function readCgroup(pid: number, controller: string, file: string): Promise<string> {
  const lines = (await readFile(`/proc/${pid}/cgroup`, "utf8")).split("\n").map((line) => line.split(":"));
  const path = (name: string) => lines.find(([, controllers]) => controllers === name)?.[2];
  const version1 = path(controller);
  const directory =
    version1 === undefined ? join("/sys/fs/cgroup", path("") ?? "/") : join("/sys/fs/cgroup", controller, version1);
  return await readFile(join(directory, file), "utf8");
}
