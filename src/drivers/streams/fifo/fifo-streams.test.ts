// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { hasCode } from "../../../base/errors.ts";
import { silentLogger } from "../../../base/log.ts";
import type { OutputSink, ProcessStreams, StreamRequest } from "../../../core/streams/process-streams.ts";
import { FifoStreamOpener } from "./fifo-streams.ts";

const opener = new FifoStreamOpener({ logger: silentLogger });
const signal = new AbortController().signal;

function temporaryDirectory(t: TestContext): string {
  const directory = mkdtempSync(path.join(tmpdir(), "berth-fifo-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

class RecordingSink implements OutputSink {
  readonly text = { stdout: "", stderr: "" };
  bytes = 0;
  write(stream: "stdout" | "stderr", data: Uint8Array): void {
    this.bytes += data.length;
    if (this.bytes < 1e6) this.text[stream] += Buffer.from(data).toString("latin1");
  }
}

async function openStreams(t: TestContext, request: Partial<StreamRequest> = {}): Promise<ProcessStreams> {
  const streams = await opener.open({
    id: "p1",
    directory: temporaryDirectory(t),
    terminal: false,
    stdin: true,
    output: true,
    ...request,
  });
  t.after(() => streams[Symbol.asyncDispose]());
  return streams;
}

/** A shell with the streams as its own; killed after the test. */
function runShell(t: TestContext, streams: ProcessStreams, script: string): ChildProcess {
  const { stdin, stdout, stderr } = streams.stdio;
  const redirections = `${stdin ? `<"${stdin}"` : "</dev/null"} >"${stdout}" ${stderr ? `2>"${stderr}"` : ""}`;
  const child = spawn("/bin/sh", ["-c", `exec ${redirections}; ${script}`], { stdio: "ignore" });
  t.after(() => child.kill("SIGKILL"));
  return child;
}

async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!condition()) {
    assert.ok(Date.now() < deadline, `timed out: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function textOf(chunks: AsyncIterable<{ readonly stream: string; readonly data: Uint8Array }>) {
  const text: Record<string, string> = { stdout: "", stderr: "" };
  for await (const { stream, data } of chunks) text[stream] += Buffer.from(data).toString();
  return text;
}

test("output reaches the sink and those attached, and ended resolves when the process closed it", async (t) => {
  const sink = new RecordingSink();
  const streams = await openStreams(t, { sink });
  const seen = textOf(streams.attach({ signal }));
  runShell(t, streams, "echo out; echo err >&2");
  await streams.ended;
  assert.deepEqual(await seen, { stdout: "out\n", stderr: "err\n" });
  assert.deepEqual(sink.text, { stdout: "out\n", stderr: "err\n" });
  assert.deepEqual(await textOf(streams.attach({ signal })), { stdout: "", stderr: "" }, "attached after the end");
});

test("a reader sees only what comes after it attached", async (t) => {
  const sink = new RecordingSink();
  const streams = await openStreams(t, { sink });
  runShell(t, streams, "echo one; read line; echo two");
  await until(() => sink.text.stdout === "one\n", "the first line");
  const late = textOf(streams.attach({ signal }));
  await streams.writeStdin(Buffer.from("\n"), { signal });
  assert.equal((await late)["stdout"], "two\n");
});

test("a slow reader holds up the process without growing the daemon, and lets it go when it leaves", async (t) => {
  const sink = new RecordingSink();
  const streams = await openStreams(t, { sink });
  const total = 8 * 1024 * 1024;
  const slow = streams.attach({ signal })[Symbol.asyncIterator]();
  const writer = runShell(t, streams, `head -c ${total} /dev/zero`);
  await until(() => sink.bytes > 900_000, "the queue to fill");
  const full = sink.bytes;
  const fast = streams.attach({ signal })[Symbol.asyncIterator]();
  await new Promise((resolve) => setImmediate(resolve));
  assert.ok(full <= 1024 * 1024 + 64 * 1024, `${full} bytes were read past a reader that took nothing`);
  assert.equal(writer.exitCode, null);
  await slow.return?.();
  let bytes = 0;
  for (let next = await fast.next(); next.done !== true; next = await fast.next()) bytes += next.value.data.length;
  assert.equal(sink.bytes, total);
  assert.equal(bytes, total - full);
});

test("a reader whose signal aborts ends quietly and holds up nothing", async (t) => {
  const sink = new RecordingSink();
  const streams = await openStreams(t, { sink });
  const controller = new AbortController();
  const reader = streams.attach({ signal: controller.signal })[Symbol.asyncIterator]();
  const total = 4 * 1024 * 1024;
  runShell(t, streams, `head -c ${total} /dev/zero`);
  await until(() => sink.bytes > 900_000, "the queue to fill");
  controller.abort();
  await streams.ended;
  assert.equal(sink.bytes, total);
  assert.equal((await reader.next()).done, true);
});

test("standard input holds back a writer until the process reads", async (t) => {
  const streams = await openStreams(t);
  const data = Buffer.alloc(1024 * 1024, "x");
  let taken = false;
  const writing = streams.writeStdin(data, { signal }).then(() => {
    taken = true;
  });
  const seen = textOf(streams.attach({ signal }));
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(taken, false, "a megabyte fits into no FIFO");
  runShell(t, streams, "exec head -c 1048576 | wc -c");
  await writing;
  assert.equal((await seen)["stdout"]?.trim(), "1048576");
});

test("the process reads to the end of its input once it is closed", async (t) => {
  const streams = await openStreams(t);
  const seen = textOf(streams.attach({ signal }));
  runShell(t, streams, "echo ready; exec cat");
  const reader = streams.attach({ signal })[Symbol.asyncIterator]();
  await reader.next();
  await reader.return?.();
  await streams.writeStdin(Buffer.from("hello"), { signal });
  await streams.endStdin();
  assert.equal((await seen)["stdout"], "ready\nhello");
  await assert.rejects(streams.writeStdin(Buffer.from("x"), { signal }), (error) =>
    hasCode(error, "failed-precondition"),
  );
});

test("writing is refused without standard input, and a waiting write when the streams are closed", async (t) => {
  const without = await openStreams(t, { stdin: false });
  assert.equal(without.stdio.stdin, undefined);
  await assert.rejects(without.writeStdin(Buffer.from("x"), { signal }), /no standard input/);
  const streams = await openStreams(t);
  const refused = assert.rejects(streams.writeStdin(Buffer.alloc(1024 * 1024), { signal }), (error) =>
    hasCode(error, "failed-precondition"),
  );
  await streams[Symbol.asyncDispose]();
  await refused;
});

test("a waiting write gives up with its signal", async (t) => {
  const streams = await openStreams(t);
  const controller = new AbortController();
  const refused = assert.rejects(
    streams.writeStdin(Buffer.alloc(1024 * 1024), { signal: controller.signal }),
    /enough/,
  );
  controller.abort(new Error("enough"));
  await refused;
});

test("with a terminal there is no stderr, and without output nothing at all", async (t) => {
  const terminal = await openStreams(t, { terminal: true });
  assert.equal(terminal.stdio.stderr, undefined);
  const silent = await openStreams(t, { stdin: false, output: false });
  assert.deepEqual(silent.stdio, { terminal: false });
  await silent.ended;
});

test("another daemon goes on with the same FIFOs while the shim holds its ends", async (t) => {
  const directory = temporaryDirectory(t);
  const request = { id: "p1", directory, terminal: true, stdin: true, output: true };
  const first = new RecordingSink();
  const before = await opener.open({ ...request, sink: first });
  // 3<> and 4<> open both ends, as the shim does, so that no end is ever missing.
  const script = `exec 3<>"$0" 4<>"$1"; echo one >&3; read line <&4; echo "$line" >&3; read line <&4; echo "$line" >&3`;
  const shim = spawn("/bin/sh", ["-c", script, before.stdio.stdout ?? "", before.stdio.stdin ?? ""], {
    stdio: "ignore",
  });
  t.after(() => shim.kill("SIGKILL"));
  await until(() => first.text.stdout === "one\n", "the first line");
  await before.writeStdin(Buffer.from("two\n"), { signal });
  await until(() => first.text.stdout === "one\ntwo\n", "the second line");
  await before.release();
  assert.ok(existsSync(before.stdio.stdout ?? ""), "the FIFOs stay");
  const second = new RecordingSink();
  const after = await opener.open({ ...request, sink: second });
  await after.writeStdin(Buffer.from("three\n"), { signal });
  await after.ended;
  assert.equal(second.text.stdout, "three\n");
  await after[Symbol.asyncDispose]();
  assert.deepEqual(readdirSync(directory), [], "disposing removes the FIFOs");
});

test("what was written while no daemon ran is read by the next one", async (t) => {
  const directory = temporaryDirectory(t);
  const request = { id: "p1", directory, terminal: true, stdin: false, output: true };
  const before = await opener.open(request);
  const fifo = before.stdio.stdout ?? "";
  const started = path.join(directory, "started");
  const script = `exec 3<>"$0"; : >"$1.1"; while [ ! -e "$1.2" ]; do sleep 0.01; done; echo alone >&3; : >"$1.3"; exec sleep 30`;
  const shim = spawn("/bin/sh", ["-c", script, fifo, started], { stdio: "ignore" });
  t.after(() => shim.kill("SIGKILL"));
  await until(() => existsSync(`${started}.1`), "the shim to open the FIFO");
  await before.release();
  writeFileSync(`${started}.2`, "");
  await until(() => existsSync(`${started}.3`), "the shim to write");
  const sink = new RecordingSink();
  const after = await opener.open({ ...request, sink });
  await until(() => sink.text.stdout === "alone\n", "the line");
  await after[Symbol.asyncDispose]();
});

test("opening fails when something else has the name, and leaves nothing behind", async (t) => {
  const directory = temporaryDirectory(t);
  writeFileSync(path.join(directory, "p1-stderr"), "");
  await assert.rejects(
    opener.open({ id: "p1", directory, terminal: false, stdin: true, output: true }),
    /p1-stderr is in the way/,
  );
  assert.deepEqual(readdirSync(directory), ["p1-stderr"]);
});

test("a sink that throws neither stops the process nor the readers", async (t) => {
  const streams = await openStreams(t, {
    sink: {
      write() {
        throw new Error("full");
      },
    },
  });
  const seen = textOf(streams.attach({ signal }));
  runShell(t, streams, "echo out");
  assert.equal((await seen)["stdout"], "out\n");
});
