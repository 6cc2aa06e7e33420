// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { duplexPair } from "node:stream";
import { type TestContext, test } from "node:test";
import { cancelled } from "../../base/errors.ts";
import { SpdyConnection, type SpdyOptions } from "./connection.ts";
import { type Frame, resetStatus } from "./frame.ts";
import type { SpdyStream } from "./stream.ts";
import { RawPeer } from "./testing/raw-peer.ts";

const signal = new AbortController().signal;

interface Ends {
  readonly connection: SpdyConnection;
  readonly peer: RawPeer;
  /** The next stream that the peer opened. */
  readonly stream: () => Promise<SpdyStream>;
}

/** Both ends of a connection over a real socket. */
async function ends(t: TestContext, options: Partial<SpdyOptions> = {}): Promise<Ends> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = connect((server.address() as { port: number }).port, "127.0.0.1");
  const [[socket]] = (await Promise.all([once(server, "connection"), once(client, "connect")])) as [[Socket], unknown];
  const streams: SpdyStream[] = [];
  const waiting: ((stream: SpdyStream) => void)[] = [];
  const connection = new SpdyConnection(socket, {
    maximumStreams: 8,
    accepts: () => true,
    onStream(stream) {
      const next = waiting.shift();
      if (next === undefined) streams.push(stream);
      else next(stream);
    },
    ...options,
  });
  const peer = new RawPeer(client);
  t.after(async () => {
    await peer[Symbol.asyncDispose]();
    await connection[Symbol.asyncDispose]();
    server.close();
  });
  return {
    connection,
    peer,
    stream: async () => streams.shift() ?? (await new Promise((resolve) => waiting.push(resolve))),
  };
}

async function text(stream: SpdyStream): Promise<string> {
  return Buffer.concat(await Array.fromAsync(stream.incoming)).toString();
}

const goAway = (frame: Frame) => frame.kind === "goaway";

test("a stream carries both ways, and each way ends by itself", async (t) => {
  const { peer, stream } = await ends(t);
  const id = await peer.open({ streamtype: "data", port: "80" });
  const opened = await stream();
  assert.equal(opened.headers.get("port"), "80");
  await peer.frame((frame) => frame.kind === "syn-reply" && frame.streamId === id);
  await peer.sendData(id, "question", true);
  assert.equal(await text(opened), "question");
  await opened.write(Buffer.from("answer"));
  await opened.end();
  assert.equal((await peer.data(id)).toString(), "answer");
  await assert.rejects(opened.write(Buffer.from("late")), { code: "cancelled" });
});

test("streams that are not accepted or too many are refused, and the others go on", async (t) => {
  const { peer, stream } = await ends(t, { maximumStreams: 2, accepts: (headers) => headers.has("good") });
  const refused = async (id: number) =>
    await peer.frame((f) => f.kind === "rst-stream" && f.streamId === id && f.status === resetStatus.refused);
  const first = await peer.open({ good: "1" });
  await refused(await peer.open({ bad: "1" }));
  await peer.open({ good: "2" });
  await refused(await peer.open({ good: "3" }));
  const opened = await stream();
  await opened.end();
  await peer.sendData(first, "x", true);
  assert.equal(await text(opened), "x");
  await peer.open({ good: "4" });
  assert.deepEqual([(await stream()).headers.get("good"), (await stream()).headers.get("good")], ["2", "4"]);
});

test("a peer that knows no windows gets everything, and its connection still reads", async (t) => {
  const { peer, stream } = await ends(t);
  const id = await peer.open({});
  const sent = randomBytes(3_000_000);
  const opened = await stream();
  await opened.write(sent);
  await opened.end();
  assert.ok((await peer.data(id)).equals(sent));
});

test("the windows of a peer that keeps them are kept", async (t) => {
  const { peer, stream } = await ends(t);
  await peer.send({ kind: "settings", initialWindow: 1000 });
  const id = await peer.open({});
  const opened = await stream();
  const writing = opened.write(Buffer.alloc(100_000));
  const received = async (bytes: number) =>
    await peer.frame(() => {
      const data = peer.frames.filter((frame) => frame.kind === "data");
      return data.reduce((sum, frame) => sum + frame.data.length, 0) === bytes;
    });
  await received(1000);
  await peer.send({ kind: "window-update", streamId: id, delta: 500 });
  await received(1500);
  // The session's window is 64 KiB, which the stream's may exceed.
  await peer.send({ kind: "window-update", streamId: id, delta: 200_000 });
  await received(65_536);
  await peer.send({ kind: "window-update", streamId: 0, delta: 200_000 });
  await writing;
  await received(100_000);
});

test("a window that grows beyond the protocol resets its stream, or ends the session", async (t) => {
  const { peer, stream } = await ends(t);
  const id = await peer.open({});
  await stream();
  await peer.send({ kind: "window-update", streamId: id, delta: 2 ** 31 - 1 });
  await peer.frame((frame) => frame.kind === "rst-stream" && frame.status === resetStatus.flowControl);
  await peer.send({ kind: "window-update", streamId: 0, delta: 2 ** 31 - 1 });
  await peer.frame(goAway);
});

test("what nobody reads stays with the peer: memory has a bound, and reading goes on afterwards", async (t) => {
  const { peer, stream } = await ends(t);
  const id = await peer.open({});
  const opened = await stream();
  const piece = randomBytes(32 * 1024);
  const pieces = 1600;
  let sent = 0;
  const sending = (async () => {
    for (; sent < pieces; sent++) await peer.sendData(id, piece);
    await peer.sendData(id, "", true);
  })();
  // The sender gets stuck: the same count twice, some turns of the loop apart.
  for (let before = -1, turns = 0; turns < 200; turns++) {
    if (sent !== before) turns = 0;
    before = sent;
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.ok(sent < pieces / 2, `${sent} of ${pieces} pieces left the peer though nobody read`);
  const hash = createHash("sha256");
  for await (const chunk of opened.incoming) hash.update(chunk);
  await sending;
  const expected = createHash("sha256");
  for (let count = 0; count < pieces; count++) expected.update(piece);
  assert.equal(hash.digest("hex"), expected.digest("hex"));
  await peer.frame((frame) => frame.kind === "window-update" && frame.streamId === id);
  await peer.frame((frame) => frame.kind === "window-update" && frame.streamId === 0);
});

test("a reader who stops early holds up nobody", async (t) => {
  const { peer, stream } = await ends(t);
  const [first, second] = [await peer.open({}), await peer.open({})];
  const [ignored, read] = [await stream(), await stream()];
  await peer.sendData(first, "one");
  for await (const chunk of ignored.incoming) {
    assert.equal(Buffer.from(chunk).toString(), "one");
    break;
  }
  for (let count = 0; count < 100; count++) await peer.sendData(first, randomBytes(32 * 1024));
  await peer.sendData(second, "two", true);
  assert.equal(await text(read), "two");
});

test("a writer waits for a peer that does not read", async (t) => {
  const { peer, stream } = await ends(t);
  const id = await peer.open({});
  const opened = await stream();
  peer.pause();
  let written = 0;
  const writing = (async () => {
    for (; written < 2000; written++) await opened.write(Buffer.alloc(32 * 1024));
    await opened.end();
  })();
  for (let before = -1, turns = 0; turns < 200; turns++) {
    if (written !== before) turns = 0;
    before = written;
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.ok(written < 1000, `${written} writes were taken though the peer read nothing`);
  peer.resume();
  await writing;
  assert.equal((await peer.data(id)).length, 2000 * 32 * 1024);
});

test("pings are answered, those of this side are not", async (t) => {
  const { peer } = await ends(t);
  await peer.send({ kind: "ping", id: 4 });
  await peer.send({ kind: "ping", id: 7 });
  await peer.frame((frame) => frame.kind === "ping" && frame.id === 7);
  assert.equal(peer.frames.length, 1);
});

test("a reset ends both directions, for the writer and the reader", async (t) => {
  const { peer, stream } = await ends(t);
  const id = await peer.open({});
  const opened = await stream();
  await peer.send({ kind: "rst-stream", streamId: id, status: resetStatus.cancel });
  await assert.rejects(text(opened), { code: "cancelled", message: "the peer has reset the stream" });
  await assert.rejects(opened.write(Buffer.from("x")), { code: "cancelled" });
  await peer.sendData(id, "still on its way");
  await peer.open({});
  await stream();
});

test("the peer's going ends readers, writers and the signal", async (t) => {
  const { connection, peer, stream } = await ends(t);
  await peer.open({});
  const opened = await stream();
  const reading = assert.rejects(text(opened), { code: "cancelled", message: "the peer's connection has ended" });
  await peer[Symbol.asyncDispose]();
  await reading;
  assert.ok(connection.signal.aborted);
  await assert.rejects(opened.write(Buffer.from("x")), { code: "cancelled" });
});

test("closing lets what was written arrive, resets what is open and says goodbye", async (t) => {
  const { connection, peer, stream } = await ends(t);
  const [done, open] = [await peer.open({}), await peer.open({})];
  const [first] = [await stream(), await stream()];
  const sent = randomBytes(2_000_000);
  await first.write(sent);
  await first.end();
  // The peer's pings that arrive now must not cost it what it has not read.
  const closing = connection.close({ signal });
  await peer.send({ kind: "ping", id: 1 });
  await peer.sendData(open, Buffer.alloc(100_000));
  assert.ok((await peer.data(done)).equals(sent));
  await peer.frame((frame) => frame.kind === "rst-stream" && frame.streamId === open);
  await peer.frame(goAway);
  await peer.end();
  await peer[Symbol.asyncDispose]();
  await closing;
});

test("closing ends with its signal though the peer stays", async (t) => {
  const { connection, peer } = await ends(t);
  const controller = new AbortController();
  const closing = connection.close({ signal: controller.signal });
  await peer.frame(goAway);
  controller.abort(cancelled());
  await closing;
});

const hostile: Readonly<Record<string, (peer: RawPeer) => Promise<unknown>>> = {
  "stream ids that go back": async (peer) => {
    await peer.send({ kind: "ping", id: 1 });
    const block = new Uint8Array(4);
    await peer.send({ kind: "syn-stream", streamId: 2, fin: false, unidirectional: false, block });
  },
  "a header block that is none": async (peer) =>
    await peer.send({
      kind: "syn-stream",
      streamId: 1,
      fin: false,
      unidirectional: false,
      block: Buffer.from("garbage"),
    }),
  "a control frame too long": async (peer) => await peer.sendBytes(Buffer.from("8003000100ffffff", "hex")),
  "another protocol": async (peer) => await peer.sendBytes(Buffer.from("\x80GET / HTTP/1.1\r\n\r\n", "latin1")),
};
for (const [name, act] of Object.entries(hostile)) {
  test(`garbage ends the connection and nothing else: ${name}`, async (t) => {
    const { connection, peer } = await ends(t);
    await act(peer);
    await peer.frame((frame) => frame.kind === "goaway" && frame.status === 1);
    await peer.end();
    assert.ok(connection.signal.aborted);
  });
}

test("random bytes end or wait, and the server lives", async (t) => {
  for (let round = 0; round < 20; round++) {
    const { connection, peer } = await ends(t);
    await peer.sendBytes(randomBytes(5000)).catch(() => {});
    await peer[Symbol.asyncDispose]();
    await connection[Symbol.asyncDispose]();
  }
});

test("a flood of pings whose answers nobody reads ends the connection", async () => {
  const [near, far] = duplexPair();
  await using connection = new SpdyConnection(near, { maximumStreams: 8, accepts: () => true, onStream() {} });
  const ping = Buffer.from("800300060000000400000001", "hex");
  far.on("error", () => {});
  far.write(Buffer.concat(Array.from({ length: 10_000 }, () => ping)));
  await once(connection.signal, "abort");
  assert.match(String(connection.signal.reason), /reads none of the answers/);
});
