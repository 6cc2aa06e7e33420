// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { hasCode } from "../../../base/errors.ts";
import { silentLogger } from "../../../base/log.ts";
import type { ContainerLogWriter, LogEntry, LogReadOptions } from "../../../core/streams/container-log.ts";
import { makeFifo } from "../../../linux/ffi/fifo.ts";
import { CriFileLogs } from "./cri-file-logs.ts";
import { parseRecord, parseTimestamp } from "./cri-record.ts";

const signal = new AbortController().signal;

function newLog(t: TestContext) {
  const directory = mkdtempSync(path.join(tmpdir(), "berth-log-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return { logs: new CriFileLogs({ logger: silentLogger }), directory, file: path.join(directory, "c.log") };
}

const show = ({ stream, complete, content }: LogEntry) =>
  `${stream === "stdout" ? "o" : "e"}${complete ? "" : "-"}:${Buffer.from(content).toString()}`;

async function read(logs: CriFileLogs, file: string, options: Partial<LogReadOptions> = {}): Promise<string[]> {
  const lines: string[] = [];
  for await (const entry of logs.read(file, { follow: false, signal, ...options })) lines.push(show(entry));
  return lines;
}

const put = (writer: ContainerLogWriter, text: string) => writer.write("stdout", Buffer.from(text));

test("lines come back in order with their stream", async (t) => {
  const { logs, file } = newLog(t);
  const writer = await logs.open(file, { terminal: false });
  writer.write("stdout", Buffer.from("one\ntw"));
  writer.write("stderr", Buffer.from("oops\n"));
  writer.write("stdout", Buffer.from("o\nend"));
  assert.deepEqual(await read(logs, file), ["o:one", "e:oops", "o:two"]);
  await writer[Symbol.asyncDispose]();
  assert.deepEqual(await read(logs, file), ["o:one", "e:oops", "o:two", "o-:end"]);
  assert.equal(statSync(file).mode & 0o777, 0o640);
});

test("a terminal has no stderr, and trailing carriage returns go", async (t) => {
  const { logs, file } = newLog(t);
  await using writer = await logs.open(file, { terminal: true });
  writer.write("stdout", Buffer.from("$ ls\r\n"));
  writer.write("stderr", Buffer.from("never\n"));
  assert.deepEqual(await read(logs, file), ["o:$ ls"]);
});

test("the log of no file is empty, also when followed without a writer", async (t) => {
  const { logs, directory, file } = newLog(t);
  assert.deepEqual(await read(logs, file), []);
  assert.deepEqual(await read(logs, path.join(directory, "no", "where"), { follow: true }), []);
});

test("a second writer of one path is refused; after the first is closed it appends", async (t) => {
  const { logs, file } = newLog(t);
  const first = await logs.open(file, { terminal: false });
  await assert.rejects(logs.open(file, { terminal: false }), (error) => hasCode(error, "conflict"));
  put(first, "one\n");
  await first[Symbol.asyncDispose]();
  await using second = await logs.open(file, { terminal: false });
  put(second, "two\n");
  assert.deepEqual(await read(logs, file), ["o:one", "o:two"]);
});

test("what is no file is not written to, nor anything behind a link", async (t) => {
  const { logs, directory, file } = newLog(t);
  const elsewhere = path.join(directory, "elsewhere");
  writeFileSync(elsewhere, "mine");
  const replacements = [() => symlinkSync(elsewhere, file), () => makeFifo(file, 0o600)];
  for (const replace of replacements) {
    const writer = await logs.open(file, { terminal: false });
    put(writer, "one\n");
    rmSync(file);
    replace();
    await assert.rejects(writer.reopen(), (error: Error) => error.message.includes(file));
    put(writer, "two\n");
    await writer[Symbol.asyncDispose]();
    await assert.rejects(logs.open(file, { terminal: false }), (error: Error) => error.message.includes(file));
    rmSync(file);
  }
  assert.equal(readFileSync(elsewhere, "utf8"), "mine");
});

test("a record that a killed daemon left half-written does not swallow the next one", async (t) => {
  const { logs, file } = newLog(t);
  writeFileSync(file, "2026-01-02T03:04:05.000000001Z stdout F whole\n2026-01-02T03:0");
  await using writer = await logs.open(file, { terminal: false });
  put(writer, "next\n");
  assert.deepEqual(await read(logs, file), ["o:whole", "o:next"]);
});

test("tail counts whole lines, across blocks and files", async (t) => {
  const { logs, file } = newLog(t);
  await using writer = await logs.open(file, { terminal: false, rotation: { maximumSize: 150_000, maximumFiles: 4 } });
  const lines = Array.from({ length: 5000 }, (_, index) => `line ${index}`);
  for (const line of lines) put(writer, `${line}\n`);
  assert.ok(statSync(`${file}.1`).size > 0);
  for (const tail of [0, 1, 2, 10, 2000, 4999, 5000, 9999]) {
    const expected = tail === 0 ? [] : lines.slice(-tail).map((line) => `o:${line}`);
    assert.deepEqual(await read(logs, file, { tail }), expected, `tail ${tail}`);
  }
});

test("tail keeps the pieces of a long line together", async (t) => {
  const { logs, file } = newLog(t);
  const writer = await logs.open(file, { terminal: false });
  put(writer, `first\n${"x".repeat(40_000)}\nlast`);
  await writer[Symbol.asyncDispose]();
  assert.deepEqual(await read(logs, file, { tail: 1 }), ["o-:last"]);
  assert.equal((await read(logs, file, { tail: 2 })).length, 4);
  assert.equal((await read(logs, file, { tail: 3 })).length, 5);
});

test("since and until choose by time, both inclusive", async (t) => {
  const { logs, file } = newLog(t);
  const second = (index: number) => `2026-01-02T03:04:0${index}.5Z`;
  writeFileSync(file, [1, 2, 3, 4].map((index) => `${second(index)} stdout F ${index}\n`).join(""));
  const since = parseTimestamp(second(2)) ?? 0n;
  const until = parseTimestamp(second(3)) ?? 0n;
  assert.deepEqual(await read(logs, file, { since }), ["o:2", "o:3", "o:4"]);
  assert.deepEqual(await read(logs, file, { until }), ["o:1", "o:2", "o:3"]);
  assert.deepEqual(await read(logs, file, { since, until }), ["o:2", "o:3"]);
  assert.deepEqual(await read(logs, file, { since: until + 1n, tail: 3 }), ["o:4"]);
});

test("rotation keeps the wished number of files, each within its size and of whole lines", async (t) => {
  const { logs, directory, file } = newLog(t);
  const writer = await logs.open(file, { terminal: false, rotation: { maximumSize: 1000, maximumFiles: 3 } });
  for (let index = 0; index < 100; index++) put(writer, `line ${index}\n`);
  await writer[Symbol.asyncDispose]();
  assert.deepEqual(readdirSync(directory).sort(), ["c.log", "c.log.1", "c.log.2"]);
  for (const name of readdirSync(directory)) {
    const text = readFileSync(path.join(directory, name), "utf8");
    assert.ok(text.length <= 1000 && text.endsWith("\n"), name);
  }
  const lines = await read(logs, file);
  assert.equal(lines.at(-1), "o:line 99");
  assert.deepEqual(
    lines,
    Array.from({ length: lines.length }, (_, index) => `o:line ${100 - lines.length + index}`),
  );
  await logs.remove(file);
  assert.deepEqual(readdirSync(directory), []);
});

test("with a single file, rotation begins it anew", async (t) => {
  const { logs, directory, file } = newLog(t);
  await using writer = await logs.open(file, { terminal: false, rotation: { maximumSize: 1000, maximumFiles: 1 } });
  for (let index = 0; index < 100; index++) put(writer, `line ${index}\n`);
  assert.deepEqual(readdirSync(directory), ["c.log"]);
  assert.equal((await read(logs, file)).at(-1), "o:line 99");
});

test("a follower gets what is written, when it is written, until the writer closes", async (t) => {
  const { logs, file } = newLog(t);
  const writer = await logs.open(file, { terminal: false });
  put(writer, "old\n");
  const reader = logs.read(file, { follow: true, signal });
  const next = async () => {
    const { value } = await reader.next();
    return value === undefined ? undefined : show(value);
  };
  assert.equal(await next(), "o:old");
  for (const text of ["a", "b"]) {
    const line = next();
    put(writer, `${text}\n`);
    assert.equal(await line, `o:${text}`);
  }
  const last = next();
  put(writer, "unfinished");
  await writer[Symbol.asyncDispose]();
  assert.equal(await last, "o-:unfinished");
  assert.equal(await next(), undefined);
});

test("a follower ends quietly with its signal", async (t) => {
  const { logs, file } = newLog(t);
  await using writer = await logs.open(file, { terminal: false });
  put(writer, "one\n");
  const controller = new AbortController();
  const reader = logs.read(file, { follow: true, signal: controller.signal });
  await reader.next();
  const end = reader.next();
  controller.abort();
  assert.equal((await end).done, true);
});

test("followers lose and repeat nothing while files rotate under them", async (t) => {
  const { logs, file } = newLog(t);
  const writer = await logs.open(file, { terminal: false, rotation: { maximumSize: 4000, maximumFiles: 1000 } });
  const followers = [0, 1, 2].map(() => read(logs, file, { follow: true }));
  const total = 5000;
  for (let index = 0; index < total; index++) {
    put(writer, `line ${index}\n`);
    if (index % 97 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await writer[Symbol.asyncDispose]();
  for (const lines of await Promise.all(followers)) {
    assert.equal(lines.length, total);
    lines.forEach((line, index) => assert.equal(line, `o:line ${index}`));
  }
});

test("a follower that is overtaken goes on with the oldest file that is left", async (t) => {
  const { logs, file } = newLog(t);
  const writer = await logs.open(file, { terminal: false, rotation: { maximumSize: 1000, maximumFiles: 2 } });
  put(writer, "line 0\n");
  const reader = logs.read(file, { follow: true, signal });
  await reader.next();
  for (let index = 1; index < 200; index++) put(writer, `line ${index}\n`);
  await writer[Symbol.asyncDispose]();
  const numbers: number[] = [];
  for await (const entry of reader) numbers.push(Number(show(entry).slice(7)));
  assert.equal(numbers.at(-1), 199);
  assert.deepEqual(
    numbers,
    [...new Set(numbers)].sort((a, b) => a - b),
    "in order, nothing twice",
  );
});

test("after a rename, reopening goes on in a new file and followers go along", async (t) => {
  const { logs, file } = newLog(t);
  const writer = await logs.open(file, { terminal: false });
  const following = read(logs, file, { follow: true });
  put(writer, "one\n");
  renameSync(file, `${file}.20260102-030405`);
  put(writer, "two\n");
  await writer.reopen();
  put(writer, "three\n");
  await writer[Symbol.asyncDispose]();
  assert.deepEqual(await read(logs, file), ["o:three"]);
  assert.deepEqual(await read(logs, `${file}.20260102-030405`), ["o:one", "o:two"]);
  assert.deepEqual(await following, ["o:one", "o:two", "o:three"]);
});

test("lines that are no records are passed over", async (t) => {
  const { logs, file } = newLog(t);
  const stamp = "2026-01-02T03:04:05Z";
  const good = [`${stamp} stdout F a`, `${stamp} stderr P:x b`, `${stamp} stdout F `, `${stamp} stdout F`];
  const bad = ["", "x", stamp, `${stamp} stdin F a`, `${stamp} stdout X a`, `${stamp} stdoutF a`, "\0\0\0"];
  writeFileSync(file, [...good, ...bad, ...good].join("\n"));
  const once = ["o:a", "e-:b", "o:", "o:"];
  assert.deepEqual(await read(logs, file), [...once, ...once.slice(0, -1)], "the last has no newline");
  assert.equal(parseRecord(Buffer.from("a stdout F"), 0, 10)?.content.length, 0);
});

test("timestamps are read to the nanosecond", () => {
  assert.equal(parseTimestamp("1970-01-01T00:00:01.5Z"), 1_500_000_000n);
  assert.equal(parseTimestamp("1970-01-01T01:00:00.000000001+01:00"), 1n);
  assert.equal(parseTimestamp("1970-01-01T00:00:01Z"), 1_000_000_000n);
  assert.equal(parseTimestamp("yesterday"), undefined);
});
