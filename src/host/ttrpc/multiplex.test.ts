// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { createConnection, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { silentLogger } from "../../base/log.ts";
import { Task } from "../../gen/containerd/task/v2/task_pb.js";
import { ttrpcClientOn } from "./client.ts";
import { encodeFrames, MultiplexDecoder, Multiplexer } from "./multiplex.ts";
import { TtrpcServer } from "./server.ts";

const signal = new AbortController().signal;

void test("a frame is the id, the length and the bytes, big endian; empty writes have none", () => {
  assert.deepEqual([...encodeFrames(2, Uint8Array.of(9, 8))], [0, 0, 0, 2, 0, 0, 0, 2, 9, 8]);
  assert.equal(encodeFrames(1, new Uint8Array()).length, 8);
});

void test("a long write goes out as 4096 bytes and the rest, which is what the reader in Go asks for", () => {
  const lengths: number[] = [];
  const bytes = Buffer.from(encodeFrames(1, new Uint8Array(10_000)));
  for (let offset = 0; offset < bytes.length; ) {
    const length = bytes.readUInt32BE(offset + 4);
    lengths.push(length);
    offset += 8 + length;
  }
  assert.deepEqual(lengths, [4096, 5904]);
});

void test("what is written on each connection comes out on it, however the bytes are cut", () => {
  const write = fc.record({ id: fc.integer({ min: 1, max: 3 }), body: fc.uint8Array({ minLength: 1, maxLength: 64 }) });
  fc.assert(
    fc.property(fc.array(write), fc.array(fc.integer({ min: 0, max: 30 })), (writes, cuts) => {
      const bytes = Buffer.concat(writes.map(({ id, body }) => encodeFrames(id, body)));
      const decoder = new MultiplexDecoder();
      const received = new Map<number, number[]>();
      let offset = 0;
      for (const cut of [...cuts, bytes.length]) {
        for (const { id, body } of decoder.push(bytes.subarray(offset, offset + cut))) {
          received.set(id, [...(received.get(id) ?? []), ...body]);
        }
        offset += cut;
      }
      for (const id of [1, 2, 3]) {
        const sent = writes.filter((each) => each.id === id).flatMap(({ body }) => [...body]);
        assert.deepEqual(received.get(id) ?? [], sent);
      }
    }),
  );
});

void test("a frame longer than any message is refused", () => {
  const header = Buffer.alloc(8);
  header.writeUInt32BE(0xffffffff, 4);
  assert.throws(() => [...new MultiplexDecoder().push(header)], { code: "resource-exhausted" });
});

/** Both ends of a unix socket. */
async function socketPair(directory: string): Promise<[Socket, Socket]> {
  const path = join(directory, "s");
  const listener = createServer();
  await new Promise<void>((resolve) => listener.listen(path, resolve));
  const accepted = new Promise<Socket>((resolve) => listener.once("connection", resolve));
  const socket = createConnection({ path });
  const other = await accepted;
  listener.close();
  return [socket, other];
}

void test("both sides serve and call over one socket, and all ends when it does", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "berth-mux-"));
  t.after(async () => await rm(directory, { recursive: true }));
  const [left, right] = await socketPair(directory);
  const sides = await Promise.all(
    [left, right].map(async (socket, index) => {
      const multiplexer = new Multiplexer(socket);
      const server = new TtrpcServer({ logger: silentLogger });
      server.serve(Task, { start: async ({ id }) => ({ pid: id.length + index }) });
      server.accept(multiplexer.open(index + 1));
      const client = ttrpcClientOn(multiplexer.open(2 - index), "the other side");
      multiplexer.start();
      return { server, client };
    }),
  );
  t.after(async () => {
    for (const { server, client } of sides) {
      await client[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    }
  });
  const [first, second] = sides;
  assert.ok(first !== undefined && second !== undefined);
  const long = "x".repeat(1_000_000);
  const answers = await Promise.all([
    first.client.call(Task.method.start, { id: long }, { signal }),
    second.client.call(Task.method.start, { id: "four" }, { signal }),
  ]);
  assert.deepEqual(
    answers.map(({ pid }) => pid),
    [long.length + 1, 4],
  );
  right.destroy();
  await first.client.closed;
  await assert.rejects(first.client.call(Task.method.start, { id: "" }, { signal }), { code: "unavailable" });
});
