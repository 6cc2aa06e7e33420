// SPDX-License-Identifier: Apache-2.0
// The daemon dies or stops, and another one goes on where it was: containers, output, exits, ports.

import assert from "node:assert/strict";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { suite, test } from "node:test";
import { mountPointsWithin, unmountAll } from "../../../src/linux/mount/unmount.ts";
import { eventually } from "../../support/daemon.ts";
import { execOutput, outputOf, readOutput, startContainer } from "../../support/run-container.ts";
import { suiteDaemon } from "../../support/suite-daemon.ts";
import { filesOfContainer } from "../../support/traces.ts";

suite("another daemon takes over", () => {
  const own = suiteDaemon();
  const started = async (script: string, init = {}) =>
    await startContainer(own.client, { command: ["sh", "-c", script], networkMode: "none", ...init });
  const stateOf = async (id: string) => (await own.client.containers.inspect(id)).state;
  const logOf = async (id: string) => {
    const chunks: Uint8Array[] = [];
    for await (const { content } of own.client.containers.logs(id)) chunks.push(content);
    return Buffer.concat(chunks).toString();
  };
  const execIn = async (id: string, script: string) => await execOutput(own.client, id, script);
  const exitWhileAway = async (pid: number) =>
    await eventually("the end of the process", () => {
      try {
        process.kill(pid, 0);
        return undefined;
      } catch {
        return true;
      }
    });

  for (const end of ["kill", "stop"] as const) {
    test(`after a ${end}: same process, whole output, attach, exec, ports, stop and removal`, async () => {
      const port = 20_000 + Math.floor(Math.random() * 10_000);
      const id = await started(
        'httpd -p 80 -h /etc; echo first; exec 3<&0; (while read -r line; do echo "got $line"; done) <&3 & while [ ! -e /go ]; do sleep 0.05; done; seq 1 60000; wait',
        {
          networkMode: "bridge",
          openStdin: true,
          ports: [{ hostIp: "127.0.0.1", hostPort: port, containerPort: 80, protocol: "tcp" }],
        },
      );
      await eventually("the first line", async () => (await logOf(id)) === "first\n" || undefined);
      const pid = (await stateOf(id))?.pid ?? 0;
      const client = await own.client.containers.attach(id, { stdin: true });
      await own.daemon[end]();
      client.close();
      // More than its pipe and the FIFO hold, so that it waits for the next daemon.
      await writeFile(`/proc/${pid}/root/go`, "");
      await own.daemon.start();
      assert.deepEqual([(await stateOf(id))?.pid, (await stateOf(id))?.status], [pid, "running"]);
      const flood = `first\n${Array.from({ length: 60_000 }, (_, index) => `${index + 1}\n`).join("")}`;
      await eventually("all that was written", async () => (await logOf(id)).length >= flood.length || undefined);
      assert.ok((await logOf(id)) === flood, "nothing is lost and nothing is there twice");
      const again = await own.client.containers.attach(id, { stdin: true });
      await again.write(Buffer.from("back\n"));
      for await (const { data } of again.output) {
        assert.equal(Buffer.from(data).toString(), "got back\n");
        break;
      }
      again.close();
      assert.equal(await execIn(id, "cat /proc/1/comm"), "sh");
      assert.equal(await answers(port), true);
      await own.client.containers.stop(id, { timeoutSeconds: 0 });
      assert.equal((await stateOf(id))?.exitCode, 137);
      assert.equal(await answers(port), false);
      await own.client.containers.start(id);
      await own.client.containers.remove(id, { force: true });
      assert.deepEqual(await filesOfContainer(own.daemon, id), []);
    });
  }

  test("exits while it was away: real code and time, last output, out of memory told, --rm done", async () => {
    const { containers } = own.client;
    const limit = { memoryBytes: 32n * 1024n * 1024n, memorySwapBytes: 32n * 1024n * 1024n };
    const wait = "while [ ! -e /go ]; do sleep 0.05; done";
    const plain = await started(`${wait}; echo last words; printf end; exit 42`);
    const removed = await started(`${wait}; exit 3`, { autoRemove: true });
    const hungry = await started(`${wait}; exec tail /dev/zero`, { resources: limit });
    const pids = await Promise.all([plain, removed, hungry].map(async (id) => (await stateOf(id))?.pid ?? 0));
    await own.daemon.kill();
    for (const pid of pids) await writeFile(`/proc/${pid}/root/go`, "");
    for (const pid of pids) await exitWhileAway(pid);
    const gone = Date.now();
    await new Promise((resolve) => setTimeout(resolve, 1100));
    await own.daemon.start();
    await eventually("all of them to be settled", async () => (await containers.list()).length === 0 || undefined);
    const state = await stateOf(plain);
    assert.deepEqual([state?.status, state?.exitCode, state?.oomKilled, state?.error], ["exited", 42, false, ""]);
    assert.equal(await logOf(plain), "last words\nend");
    assert.ok(Number(state?.finishedAt?.seconds) <= Math.ceil(gone / 1000), "the time is that of the exit");
    assert.deepEqual([(await stateOf(hungry))?.exitCode, (await stateOf(hungry))?.oomKilled], [137, true]);
    await eventually(
      "the removal",
      async () => (await containers.list({ all: true })).every(({ id }) => id !== removed) || undefined,
    );
    for (const id of [plain, hungry]) await containers.remove(id);
    for (const id of [plain, removed, hungry]) assert.deepEqual(await filesOfContainer(own.daemon, id), []);
  });

  test("execs of the daemon before run to their end and leave nothing", async () => {
    const id = await started("sleep 1000");
    await own.client.containers.execDetached({
      container: id,
      command: ["sh", "-c", "while [ ! -e /go ]; do sleep 0.05; done; head -c 1000000 /dev/zero; touch /done"],
    });
    const left = await own.client.containers.exec({ container: id, command: ["cat"], stdin: true });
    await own.daemon.kill();
    left.close();
    await own.daemon.start();
    await execIn(id, "touch /go");
    await eventually("the end of the first", async () => (await execIn(id, "ls /")).includes("done") || undefined);
    await eventually(
      "no exec",
      async () => (await own.client.containers.inspect(id)).execIds.length === 0 || undefined,
    );
    await eventually("the end of the second", async () => !(await execIn(id, "ps")).includes(" cat") || undefined);
    assert.deepEqual((await readdir(`${own.daemon.state}/io/${id}`)).toSorted(), ["init-stderr", "init-stdout"]);
    await own.client.containers.remove(id, { force: true });
  });

  for (const [what, away] of [
    ["while the daemon runs", false],
    ["while it is away", true],
  ] as const) {
    test(`a shim that is killed ${what} ends its container and leaves nothing`, async () => {
      const id = await started("sleep 1000", { networkMode: "bridge" });
      const { sandboxId } = await own.client.containers.inspect(id);
      const pid = (await stateOf(id))?.pid ?? 0;
      const shim = await shimOf(own.daemon.state, sandboxId);
      if (away) await own.daemon.kill();
      process.kill(shim, "SIGKILL");
      if (away) await own.daemon.start();
      await eventually("its end", async () => (await stateOf(id))?.status === "exited" || undefined);
      assert.equal((await stateOf(id))?.exitCode, away ? 255 : 137);
      await exitWhileAway(pid);
      await own.client.containers.start(id);
      assert.equal(await execIn(id, "cat /proc/1/comm"), "sleep");
      await own.client.containers.remove(id, { force: true });
      assert.deepEqual(await filesOfContainer(own.daemon, id, sandboxId), []);
    });
  }

  test("the state directory is lost, as at a reboot: containers are exited and start again", async () => {
    const id = await started("echo run >> /runs; wc -l < /runs; sleep 1000", { networkMode: "bridge" });
    const { sandboxId } = await own.client.containers.inspect(id);
    const pid = (await stateOf(id))?.pid ?? 0;
    const shim = await shimOf(own.daemon.state, sandboxId);
    await own.daemon.kill();
    process.kill(shim, "SIGKILL");
    process.kill(pid, "SIGKILL");
    await exitWhileAway(pid);
    for (const mount of (await mountPointsWithin(own.daemon.state)).toReversed()) await unmountAll(mount);
    await rm(own.daemon.state, { recursive: true, force: true });
    await own.daemon.start();
    assert.deepEqual([(await stateOf(id))?.status, (await stateOf(id))?.exitCode], ["exited", 255]);
    await own.client.containers.start(id);
    await eventually("the second run", async () => (await logOf(id)).endsWith("2\n") || undefined);
    await own.client.containers.remove(id, { force: true });
    assert.equal(await outputOf(own.client, "echo works"), "works");
  });

  test("output that waits while no client reads reaches the one that comes after the restart", async () => {
    const id = await started("read -r _; seq 1 1000; sleep 1000", { openStdin: true });
    await own.daemon.restart();
    const client = await own.client.containers.attach(id, { stdin: true });
    await client.write(Buffer.from("\n"));
    const output = readOutput(client);
    await eventually("its output", async () => (await logOf(id)).endsWith("\n1000\n") || undefined);
    await own.client.containers.kill(id);
    assert.equal((await output).stdout.split("\n").length, 1001);
    await own.client.containers.remove(id);
  });
});

async function shimOf(state: string, sandboxId: string): Promise<number> {
  const record = JSON.parse(await readFile(`${state}/runtime/shims/${sandboxId}/shim.json`, "utf8")) as {
    readonly process: { readonly pid: number };
  };
  return record.process.pid;
}

async function answers(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port, timeout: 3000 });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    for (const event of ["error", "timeout"]) {
      socket.once(event, () => {
        socket.destroy();
        resolve(false);
      });
    }
  });
}
