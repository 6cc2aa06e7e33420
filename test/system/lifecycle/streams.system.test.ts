// SPDX-License-Identifier: Apache-2.0
// Attach and logs: nothing is lost, whoever comes and goes.

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { LogOptions } from "../../../sdk/src/index.ts";
import { eventually } from "../../support/daemon.ts";
import { readOutput, startContainer } from "../../support/run-container.ts";
import { suiteDaemon } from "../../support/suite-daemon.ts";

suite("output and input of a container", () => {
  const own = suiteDaemon();
  const create = async (script: string, init = {}) =>
    (
      await own.client.containers.create({
        image: "busybox",
        command: ["sh", "-c", script],
        networkMode: "none",
        ...init,
      })
    ).id;
  const linesOf = async (id: string, options: LogOptions = {}, signal?: AbortSignal) => {
    const lines: string[] = [];
    for await (const { content } of own.client.containers.logs(id, { ...options, signal }))
      lines.push(Buffer.from(content).toString());
    return lines;
  };
  const finish = async (id: string) => await own.client.containers.remove(id, { force: true });

  test("everything reaches those attached before the start, and the log", async () => {
    const { containers } = own.client;
    const id = await create("seq 1 10000; seq 1 5000 >&2");
    const first = await containers.attach(id);
    const second = await containers.attach(id);
    const both = [readOutput(first), readOutput(second)];
    const { exit } = await containers.wait(id, { condition: "next-exit" });
    await containers.start(id);
    await exit;
    const numbers = (last: number) => Array.from({ length: last }, (_, index) => `${index + 1}\n`).join("");
    for (const output of both) {
      const { stdout, stderr } = await output;
      assert.ok(stdout === numbers(10_000), "stdout is whole");
      assert.ok(stderr === numbers(5_000), "stderr is whole");
    }
    assert.equal((await linesOf(id, { stdout: true })).join(""), numbers(10_000));
    assert.equal((await linesOf(id, { stderr: true })).join(""), numbers(5_000));
    await finish(id);
  });

  test("a client that reads late gets all of it, and holds up no exit", async () => {
    const { containers } = own.client;
    // More than a client may be behind: the rest waits in pipes when the process ends.
    const size = 1024 * 1024 + 100 * 1024;
    const id = await create(`head -c ${size} /dev/zero`, {
      logRotation: { maximumSize: 16n * 1024n * 1024n, maximumFiles: 1 },
    });
    const slow = await containers.attach(id);
    await containers.start(id);
    const { exit } = await containers.wait(id);
    assert.equal((await exit).exitCode, 0);
    await new Promise((resolve) => setTimeout(resolve, 2500));
    assert.equal((await readOutput(slow)).stdout.length, size);
    await finish(id);
  });

  test("clients come and go, each sees what is written while it is there", async () => {
    const { containers } = own.client;
    const id = await create('while read -r line; do echo "got $line"; done; echo end', { openStdin: true });
    await containers.start(id);
    for (const word of ["one", "two"]) {
      const client = await containers.attach(id, { stdin: true });
      await client.write(Buffer.from(`${word}\n`));
      for await (const { data } of client.output) {
        assert.equal(Buffer.from(data).toString(), `got ${word}\n`);
        break;
      }
      client.close();
    }
    const last = await containers.attach(id, { stdin: true, logs: true });
    const output = readOutput(last);
    await containers.stop(id, { timeoutSeconds: 0 });
    assert.equal((await output).stdout, "got one\ngot two\n");
    await finish(id);
  });

  test("with stdinOnce the end of a client's input is the process's", async () => {
    const { containers } = own.client;
    const id = await create("wc -c", { openStdin: true, stdinOnce: true });
    const client = await containers.attach(id, { stdin: true });
    await client.write(Buffer.alloc(300_000, "x"));
    client.endStdin();
    await containers.start(id);
    assert.equal((await readOutput(client)).stdout, "300000\n");
    await finish(id);
  });

  test("a terminal has one stream, and the size that it is given", async () => {
    const { containers } = own.client;
    const id = await create("read -r _; stty size; echo err >&2", { openStdin: true, terminal: true });
    const client = await containers.attach(id, { stdin: true });
    assert.equal(client.terminal, true);
    await containers.start(id);
    await containers.resize(id, { width: 123, height: 45 });
    await client.write(Buffer.from("\r"));
    const { exit } = await containers.wait(id);
    const { stdout, stderr } = await readOutput(client);
    await exit;
    assert.match(stdout, /45 123\r\nerr\r\n$/);
    assert.equal(stderr, "");
    await assert.rejects(containers.resize(id, { width: 1, height: 1 }), { code: "conflict" });
    await finish(id);
  });

  test("logs: tail, since, until, times, and following until the end", async () => {
    const { containers } = own.client;
    const id = await create("for i in 1 2 3 4 5; do echo $i; done; read -r _; echo 6", { openStdin: true });
    await containers.start(id);
    await eventually("five lines", async () => (await linesOf(id)).length === 5 || undefined);
    assert.deepEqual(await linesOf(id, { tail: 2 }), ["4\n", "5\n"]);
    assert.deepEqual(await linesOf(id, { tail: 0 }), []);
    const middle = BigInt(Date.now()) * 1_000_000n;
    const followed = linesOf(id, { follow: true, tail: 1 });
    const client = await containers.attach(id, { stdin: true });
    await new Promise((resolve) => setTimeout(resolve, 5));
    await client.write(Buffer.from("\n"));
    assert.deepEqual(await followed, ["5\n", "6\n"]);
    client.close();
    assert.deepEqual(await linesOf(id, { sinceNano: middle }), ["6\n"]);
    assert.deepEqual(await linesOf(id, { untilNano: middle }), ["1\n", "2\n", "3\n", "4\n", "5\n"]);
    assert.deepEqual(await linesOf(id, { follow: true, tail: 1 }), ["6\n"], "following what has ended ends");
    const times: string[] = [];
    for await (const { timestamp } of containers.logs(id)) times.push(timestamp);
    for (const time of times) assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}(Z|[+-]\d\d:\d\d)$/);
    assert.deepEqual(times.toSorted(), times);
    await finish(id);
  });

  test("a follower leaves a running container alone", async () => {
    const id = await startContainer(own.client, { networkMode: "none" });
    await assert.rejects(linesOf(id, { follow: true }, AbortSignal.timeout(100)));
    assert.equal((await own.client.containers.inspect(id)).state?.status, "running");
    await finish(id);
  });
});
