// SPDX-License-Identifier: Apache-2.0
// What goes through a container's standard streams: all of it, in order, whatever its size and whoever reads it.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import { suite, test } from "node:test";
import type { AttachedStreams, BerthClient, LogOptions } from "../../../sdk/src/index.ts";
import { eventually } from "../../support/daemon.ts";
import { execOutput, outputOf, readOutput, runContainer, startContainer } from "../../support/run-container.ts";
import { suiteDaemon } from "../../support/suite-daemon.ts";

const mebibyte = 1 << 20;

async function logText(client: BerthClient, id: string, options: LogOptions = {}): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const { content } of client.containers.logs(id, options)) pieces.push(content);
  return Buffer.concat(pieces).toString();
}

/** Size and digest of everything, without keeping it. */
async function measure(pieces: AsyncIterable<Uint8Array>): Promise<{ readonly size: number; readonly sha256: string }> {
  const hash = createHash("sha256");
  let size = 0;
  for await (const piece of pieces) {
    hash.update(piece);
    size += piece.length;
  }
  return { size, sha256: hash.digest("hex") };
}

async function* dataOf({ output }: AttachedStreams): AsyncGenerator<Uint8Array> {
  for await (const { data } of output) yield data;
}

suite("output", () => {
  const at = suiteDaemon();

  test("stdout and stderr are told apart, and the exit code comes with them", async () => {
    const { id, ...result } = await runContainer(at.client, "echo out; echo err >&2; exit 3", { keep: true });
    assert.deepEqual(result, { exitCode: 3, stdout: "out\n", stderr: "err\n" });
    assert.equal(await logText(at.client, id, { stdout: true }), "out\n");
    assert.equal(await logText(at.client, id, { stderr: true }), "err\n");
    await at.client.containers.remove(id);
  });

  test("100 MB of lines come through attach and logs without loss", async () => {
    const rotation = { logRotation: { maximumSize: BigInt(512 * mebibyte), maximumFiles: 1 } };
    // 102,400 lines of 1 KiB, each with its number.
    const script = `awk 'BEGIN { for (i = 0; i < 102400; i++) printf "%01023d\\n", i }'`;
    const { id } = await at.client.containers.create({ image: "busybox", command: ["sh", "-c", script], ...rotation });
    const streams = await at.client.containers.attach(id);
    await at.client.containers.start(id);
    const attached = await measure(dataOf(streams));
    const logged = await measure(
      (async function* () {
        for await (const { content } of at.client.containers.logs(id)) yield content;
      })(),
    );
    const expected = createHash("sha256");
    for (let line = 0; line < 102_400; line++) expected.update(`${String(line).padStart(1023, "0")}\n`);
    assert.equal(attached.size, 100 * mebibyte);
    assert.deepEqual(logged, attached);
    assert.equal(attached.sha256, expected.digest("hex"));
    await at.client.containers.remove(id);
  });

  test("50 MB of input reach the process, which sees their end while it still answers", async () => {
    const { id } = await at.client.containers.create({
      image: "busybox",
      command: ["sh", "-c", "cat | sha256sum; echo and on"],
      openStdin: true,
      stdinOnce: true,
    });
    const streams = await at.client.containers.attach(id, { stdin: true });
    await at.client.containers.start(id);
    const output = readOutput(streams);
    const hash = createHash("sha256");
    for (let index = 0; index < 800; index++) {
      const chunk = Buffer.alloc(64 * 1024, index);
      hash.update(chunk);
      await streams.write(chunk);
    }
    streams.endStdin();
    assert.deepEqual(await output, { stdout: `${hash.digest("hex")}  -\nand on\n`, stderr: "" });
    await at.client.containers.remove(id, { force: true });
  });

  test("input that comes before the start waits for the process", async () => {
    const init = { image: "busybox", command: ["cat"], openStdin: true, stdinOnce: true };
    const { id } = await at.client.containers.create(init);
    const streams = await at.client.containers.attach(id, { stdin: true });
    await streams.write(Buffer.from("early\n"));
    streams.endStdin();
    await at.client.containers.start(id);
    assert.equal((await readOutput(streams)).stdout, "early\n");
    await at.client.containers.remove(id, { force: true });
  });

  test("without stdinOnce the process's input outlives the client that ended its own", async () => {
    const id = await startContainer(at.client, { command: ["cat"], openStdin: true });
    const first = await at.client.containers.attach(id, { stdin: true });
    await first.write(Buffer.from("one\n"));
    first.endStdin();
    await eventually("the first line", async () => ((await logText(at.client, id)) === "one\n" ? true : undefined));
    first.close();
    const second = await at.client.containers.attach(id, { stdin: true });
    await second.write(Buffer.from("two\n"));
    await eventually("the second", async () => ((await logText(at.client, id)) === "one\ntwo\n" ? true : undefined));
    second.close();
    assert.equal((await at.client.containers.inspect(id)).state?.status, "running");
    await at.client.containers.remove(id, { force: true });
  });

  test("a container without open stdin reads an empty input", async () => {
    assert.equal(await outputOf(at.client, "wc -c"), "0");
  });

  test("with a terminal there is no stderr, and the size is what was set", async () => {
    const script = "test -t 0 && test -t 1 && tty; echo err >&2; read line; stty size";
    const config = { image: "busybox", command: ["sh", "-c", script], terminal: true, openStdin: true };
    const { id } = await at.client.containers.create(config);
    const streams = await at.client.containers.attach(id, { stdin: true });
    assert.equal(streams.terminal, true);
    await at.client.containers.start(id);
    await at.client.containers.resize(id, { width: 101, height: 37 });
    await streams.write(Buffer.from("\n"));
    const { stdout, stderr } = await readOutput(streams);
    assert.equal(stderr, "");
    // The terminal echoes the input wherever it happens to come.
    const lines = stdout.split("\r\n").filter((line) => line !== "");
    assert.match(lines.shift() ?? "", /^\/dev\/(pts\/\d+|console)$/);
    assert.deepEqual(lines, ["err", "37 101"]);
    await at.client.containers.remove(id, { force: true });
  });

  test("an exec has streams, a terminal and an exit code of its own", async () => {
    const id = await startContainer(at.client);
    const command = ["sh", "-c", "test -t 1 && stty size; exit 9"];
    const terminal = await at.client.containers.exec(
      { container: id, command, terminal: true },
      { size: { width: 90, height: 20 } },
    );
    assert.deepEqual(await readOutput(terminal), { stdout: "20 90\r\n", stderr: "" });
    assert.equal(await terminal.exitCode, 9);
    const filter = await at.client.containers.exec({
      container: id,
      command: ["sh", "-c", "cat; echo e >&2"],
      stdin: true,
    });
    const output = readOutput(filter);
    for (let index = 0; index < 64; index++) await filter.write(Buffer.alloc(64 * 1024, 97));
    filter.endStdin();
    const { stdout, stderr } = await output;
    assert.deepEqual([stdout.length, stderr], [4 * mebibyte, "e\n"]);
    await at.client.containers.remove(id, { force: true });
  });

  test("a log is rotated by size, and what is kept is whole", async () => {
    const script = `awk 'BEGIN { for (i = 0; i < 40000; i++) printf "line %08d of the log\\n", i }'`;
    const logRotation = { maximumSize: BigInt(256 * 1024), maximumFiles: 3 };
    const { id } = await runContainer(at.client, script, { logRotation, keep: true });
    const lines = (await logText(at.client, id)).trimEnd().split("\n");
    const first = 40_000 - lines.length;
    assert.ok(lines.length > 5000 && first > 0, `${lines.length} lines are kept`);
    for (const [index, line] of lines.entries()) {
      assert.equal(line, `line ${String(first + index).padStart(8, "0")} of the log`);
    }
    const { logPath } = await at.client.containers.inspect(id);
    const names = (await readdir(path.dirname(logPath))).filter((name) => name.startsWith(path.basename(logPath)));
    assert.equal(names.length, 3);
    for (const name of names) {
      const { size } = await stat(path.join(path.dirname(logPath), name));
      assert.ok(size <= 256 * 1024 + 4096, `${name} has ${size} bytes`);
    }
    await at.client.containers.remove(id);
    assert.deepEqual(
      (await readdir(path.dirname(logPath))).filter((name) => name.includes(id)),
      [],
    );
  });

  test("logs are followed to the end, and cut by tail and time", async () => {
    const id = await startContainer(at.client, {
      command: ["sh", "-c", "echo one; read x; echo two; printf three"],
      openStdin: true,
    });
    const followed = logText(at.client, id, { follow: true });
    await eventually("the first line", async () => ((await logText(at.client, id)) === "one\n" ? true : undefined));
    const since = BigInt(Date.now()) * 1_000_000n;
    const streams = await at.client.containers.attach(id, { stdin: true });
    await streams.write(Buffer.from("\n"));
    assert.equal(await followed, "one\ntwo\nthree");
    streams.close();
    assert.equal(await logText(at.client, id, { tail: 2 }), "two\nthree");
    assert.equal(await logText(at.client, id, { sinceNano: since }), "two\nthree");
    await at.client.containers.remove(id, { force: true });
  });

  test("a slow reader loses nothing and holds up neither other containers nor those who ask", async () => {
    const total = 24 * mebibyte;
    const { id } = await at.client.containers.create({
      image: "busybox",
      command: ["head", "-c", String(total), "/dev/zero"],
    });
    const slow = await at.client.containers.attach(id);
    const fast = await at.client.containers.attach(id);
    const measured = measure(dataOf(fast));
    await at.client.containers.start(id);
    // Nobody reads the slow one: the container waits in its write, and everything else goes on.
    assert.equal(await outputOf(at.client, "echo meanwhile"), "meanwhile");
    const other = await startContainer(at.client);
    assert.equal(await execOutput(at.client, other, "echo here too"), "here too");
    await at.client.containers.remove(other, { force: true });
    assert.equal((await at.client.containers.inspect(id)).state?.status, "running");
    assert.equal((await measure(dataOf(slow))).size, total);
    assert.equal((await measured).size, total);
    await at.client.containers.remove(id, { force: true });
  });

  test("a reader that goes away lets the container go on", async () => {
    const total = 24 * mebibyte;
    const { id } = await at.client.containers.create({
      image: "busybox",
      command: ["head", "-c", String(total), "/dev/zero"],
    });
    const leaving = await at.client.containers.attach(id);
    const { exit } = await at.client.containers.wait(id, { condition: "next-exit" });
    await at.client.containers.start(id);
    leaving.close();
    assert.equal((await exit).exitCode, 0);
    await at.client.containers.remove(id);
  });
});
