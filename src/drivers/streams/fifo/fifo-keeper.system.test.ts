// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { appendFileSync, closeSync, constants, openSync, writeSync } from "node:fs";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { before, type TestContext, test } from "node:test";
import { silentLogger } from "../../../base/log.ts";
import type { ProcessStreams, StreamRequest } from "../../../core/streams/process-streams.ts";
import { FifoKeeper } from "./fifo-keeper.ts";
import { FifoStreamOpener } from "./fifo-streams.ts";

const program = path.join(import.meta.dirname, "../../../../build/native/berth-keeper");
const signal = new AbortController().signal;

before(() => {
  execFileSync("make", ["-s", "-C", path.join(import.meta.dirname, "../../../../native/keeper")]);
});

interface World {
  readonly directory: string;
  readonly request: StreamRequest;
  readonly openKeeper: () => Promise<FifoKeeper>;
}

async function world(t: TestContext): Promise<World> {
  const directory = await mkdtemp(path.join(tmpdir(), "berth-keeper-"));
  const socket = path.join(directory, "k.sock");
  const openKeeper = async () => await FifoKeeper.open({ program, socket, logger: silentLogger }, { signal });
  t.after(async () => {
    const keeper = await openKeeper();
    await keeper.drop(directory);
    await keeper[Symbol.asyncDispose]();
    await assert.rejects(stat(socket), { code: "ENOENT" });
    await rm(directory, { recursive: true });
  });
  return {
    directory,
    request: { id: "init", directory: path.join(directory, "io"), terminal: true, stdin: false, output: true },
    openKeeper,
  };
}

async function textOf(streams: ProcessStreams): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const { data } of streams.attach({ signal })) chunks.push(data);
  return Buffer.concat(chunks).toString();
}

test("what was written while nobody read is there for the next daemon, also when the writer has ended", async (t) => {
  const { request, openKeeper } = await world(t);
  const keeper = await openKeeper();
  const streams = await new FifoStreamOpener({ logger: silentLogger, keeper }).open(request);
  const writer = openSync(streams.stdio.stdout ?? "", constants.O_RDWR);
  await streams.release();
  await keeper[Symbol.asyncDispose]();
  writeSync(writer, "last words\n");
  closeSync(writer);
  await using again = await openKeeper();
  const found = await new FifoStreamOpener({ logger: silentLogger, keeper: again }).open(request);
  const text = textOf(found);
  await found.drain({ graceMs: 10_000 });
  assert.equal(await text, "last words\n");
  await found[Symbol.asyncDispose]();
});

test("a keeper outlives its daemon while it holds something, and not longer", async (t) => {
  const { directory, request, openKeeper } = await world(t);
  const keeper = await openKeeper();
  const opener = new FifoStreamOpener({ logger: silentLogger, keeper });
  const streams = await opener.open(request);
  await streams.release();
  await keeper[Symbol.asyncDispose]();
  assert.ok((await stat(path.join(directory, "k.sock"))).isSocket());
  const again = await openKeeper();
  await new FifoStreamOpener({ logger: silentLogger, keeper: again }).remove(request.directory);
  await again[Symbol.asyncDispose]();
  await assert.rejects(stat(path.join(directory, "k.sock")), { code: "ENOENT" });
});

test("what is no FIFO is not held", async (t) => {
  const { directory, openKeeper } = await world(t);
  await using keeper = await openKeeper();
  const file = path.join(directory, "file");
  appendFileSync(file, "x");
  await assert.rejects(keeper.hold([file]), /cannot hold .*file: error 22/);
  await assert.rejects(keeper.hold([path.join(directory, "nothing")]), /error 2/);
});
