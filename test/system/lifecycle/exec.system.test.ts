// SPDX-License-Identifier: Apache-2.0
// Further processes in a running container.

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { ExecOptions } from "../../../sdk/src/index.ts";
import { eventually } from "../../support/daemon.ts";
import { execOutput, readOutput, startContainer } from "../../support/run-container.ts";
import { suiteDaemon } from "../../support/suite-daemon.ts";

suite("exec", () => {
  const own = suiteDaemon();
  let container = "";
  const exec = async (command: readonly string[], init: ExecOptions = {}, input?: string) => {
    const streams = await own.client.containers.exec({
      container,
      command: [...command],
      stdin: input !== undefined,
      ...init,
    });
    if (input !== undefined) {
      await streams.write(Buffer.from(input));
      streams.endStdin();
    }
    const output = await readOutput(streams);
    return { ...output, exitCode: await streams.exitCode };
  };

  test("a container to run in", async () => {
    container = await startContainer(own.client, {
      networkMode: "none",
      environment: ["FROM=container"],
      workingDirectory: "/var/www",
    });
  });

  test("gives output, errors and the exit code", async () => {
    assert.deepEqual(await exec(["sh", "-c", "echo out; echo err >&2; exit 42"]), {
      stdout: "out\n",
      stderr: "err\n",
      exitCode: 42,
    });
    assert.equal((await exec(["sh", "-c", "kill -9 $$"])).exitCode, 137);
  });

  test("reads its input to the end", async () => {
    const text = "x".repeat(500_000);
    assert.deepEqual(await exec(["wc", "-c"], {}, text), { stdout: "500000\n", stderr: "", exitCode: 0 });
  });

  test("runs as whom, where and with what it is told, and inherits the rest", async () => {
    const script = 'echo "$(id -u):$(id -g) $PWD $FROM $EXTRA"';
    assert.equal((await exec(["sh", "-c", script])).stdout, "0:0 /var/www container \n");
    const { stdout } = await exec(["sh", "-c", script], {
      user: "web",
      workingDirectory: "/tmp",
      environment: ["EXTRA=more", "FROM=exec"],
    });
    assert.equal(stdout, "33:33 /tmp exec more\n");
    await assert.rejects(exec(["true"], { user: "nobody-knows" }), /nobody-knows/);
  });

  test("has a terminal of the size that it is given", async () => {
    const streams = await own.client.containers.exec(
      { container, command: ["sh", "-c", "read -r _; stty size; tty"], terminal: true, stdin: true },
      { size: { width: 99, height: 33 } },
    );
    await streams.write(Buffer.from("\r"));
    assert.match((await readOutput(streams)).stdout, /33 99\r\n\/dev\/pts\/\d+\r\n$/);
    const later = await own.client.containers.exec({
      container,
      command: ["sh", "-c", "read -r _; stty size"],
      terminal: true,
      stdin: true,
    });
    await own.client.containers.resize(container, { width: 50, height: 20 }, { execId: later.id });
    await later.write(Buffer.from("\r"));
    assert.match((await readOutput(later)).stdout, /20 50\r\n$/);
  });

  test("refuses what cannot be run, and says why", async () => {
    await assert.rejects(exec(["no-such-command"]), /executable file not found in \$PATH/);
    await assert.rejects(exec(["/etc/passwd"]), /permission denied/);
    await assert.rejects(exec(["true"], { container: "nothing" }), { code: "not-found" });
    assert.deepEqual((await own.client.containers.inspect(container)).execIds, []);
  });

  test("fifty at once", async () => {
    const results = await Promise.all(
      Array.from({ length: 50 }, async (_, index) => await exec(["sh", "-c", `echo ${index}; exit ${index}`])),
    );
    assert.deepEqual(
      results,
      Array.from({ length: 50 }, (_, index) => ({ stdout: `${index}\n`, stderr: "", exitCode: index })),
    );
  });

  test("a detached one runs on its own, however much it writes", async () => {
    const id = await own.client.containers.execDetached({
      container,
      command: ["sh", "-c", "head -c 4000000 /dev/zero; touch /tmp/detached"],
    });
    assert.match(id, /^[0-9a-f]{64}$/);
    await eventually("its end", async () =>
      (await execOutput(own.client, container, "ls /tmp")).includes("detached") ? true : undefined,
    );
  });

  test("one outlives its client, without blocking on output that nobody reads", async () => {
    const streams = await own.client.containers.exec({
      container,
      command: ["sh", "-c", "read -r line; cat; head -c 4000000 /dev/zero; touch /tmp/outlived"],
      stdin: true,
    });
    await streams.write(Buffer.from("go\n"));
    streams.close();
    await eventually("its end", async () =>
      (await execOutput(own.client, container, "ls /tmp")).includes("outlived") ? true : undefined,
    );
  });

  test("does not wait for what it leaves in the background", async () => {
    const before = Date.now();
    assert.equal((await exec(["sh", "-c", "sleep 600 & echo $! > /tmp/left; echo left"])).stdout, "left\n");
    assert.ok(Date.now() - before < 10_000);
    assert.equal((await exec(["sh", "-c", "kill $(cat /tmp/left)"])).exitCode, 0);
  });

  test("ends with its container, and its client hears of it", async () => {
    const id = await startContainer(own.client, { networkMode: "none" });
    const streams = await own.client.containers.exec({ container: id, command: ["sleep", "1000"] });
    const output = readOutput(streams);
    await own.client.containers.kill(id);
    await output;
    assert.equal(await streams.exitCode, 137);
    await assert.rejects(own.client.containers.exec({ container: id, command: ["true"] }), {
      code: "conflict",
      message: `container ${id} is not running`,
    });
    await own.client.containers.remove(id);
  });
});
