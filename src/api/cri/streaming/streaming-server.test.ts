// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { silentLogger } from "../../../base/log.ts";
import { StreamingServer, type StreamingServerOptions } from "./streaming-server.ts";
import { ChannelClient, connectSpdy, openStreams } from "./testing/clients.ts";
import { type LocalRuntime, localRuntime } from "./testing/local-runtime.ts";

const none = { stdin: false, stdout: false, stderr: false, tty: false };

interface World {
  readonly server: StreamingServer;
  readonly runtime: LocalRuntime;
  /** The URL of a shell script's exec; with its output, unless said otherwise. */
  readonly exec: (script: string, streams?: Partial<typeof none>) => string;
}

async function world(t: TestContext, options: Partial<StreamingServerOptions> = {}): Promise<World> {
  const runtime = localRuntime();
  const server = await StreamingServer.open({ runtime, log: silentLogger, ...options });
  t.after(async () => await server[Symbol.asyncDispose]());
  return {
    server,
    runtime,
    exec: (script, streams = {}) =>
      server.execUrl({
        ...none,
        stdout: true,
        stderr: true,
        containerId: "c",
        command: ["sh", "-c", script],
        ...streams,
      }),
  };
}

async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`timed out: ${what}`);
    await turn();
  }
}

const success = { metadata: {}, status: "Success" };

test("SPDY: output of both kinds, input to its end, and the exit code", async (t) => {
  const { exec } = await world(t);
  const url = exec("cat; echo problem >&2; exit 3", { stdin: true });
  assert.match(url, /^http:\/\/127\.0\.0\.1:\d+\/exec\/[\w-]{43}$/);
  const { peer, response } = await connectSpdy(url, "v4.channel.k8s.io,v3.channel.k8s.io");
  await using _ = peer;
  assert.equal(response.headers["x-stream-protocol-version"], "v4.channel.k8s.io");
  const { error, stdin, stdout, stderr } = await openStreams(peer, "error", "stdin", "stdout", "stderr");
  await peer.sendData(stdin, "line\n");
  await peer.sendData(stdin, "", true);
  assert.equal((await peer.data(stdout)).toString(), "line\n");
  assert.equal((await peer.data(stderr)).toString(), "problem\n");
  const status = JSON.parse((await peer.data(error)).toString()) as Record<string, unknown>;
  assert.deepEqual(status["details"], { causes: [{ reason: "ExitCode", message: "3" }] });
  assert.deepEqual([status["status"], status["reason"]], ["Failure", "NonZeroExitCode"]);
  await peer.frame((frame) => frame.kind === "goaway");
});

test("SPDY: success in JSON from version 4 on, and by silence before", async (t) => {
  const { exec } = await world(t);
  for (const [protocol, expected] of [
    ["v4.channel.k8s.io", JSON.stringify(success)],
    ["v3.channel.k8s.io", ""],
    ["v2.channel.k8s.io", ""],
    ["channel.k8s.io", ""],
  ] as const) {
    const { peer } = await connectSpdy(exec("true", { stderr: false }), protocol, { method: "GET" });
    await using _ = peer;
    const { error } = await openStreams(peer, "stdout", "error");
    assert.equal((await peer.data(error)).toString(), expected);
  }
});

test("SPDY: a failure of the engine is told in the words of the version", async (t) => {
  const { server } = await world(t);
  const request = { ...none, stdout: true, containerId: "missing", command: ["true"] };
  const message = "error executing command in container: no such container: missing";
  for (const protocol of ["v4.channel.k8s.io", "v3.channel.k8s.io"]) {
    const { peer } = await connectSpdy(server.execUrl(request), protocol);
    await using _ = peer;
    const { error } = await openStreams(peer, "error", "stdout");
    const text = (await peer.data(error)).toString();
    if (protocol.startsWith("v3")) assert.equal(text, `Internal error occurred: ${message}`);
    else assert.equal((JSON.parse(text) as { message: string }).message, `Internal error occurred: ${message}`);
  }
});

test("SPDY: sizes of the terminal reach the process", async (t) => {
  const { exec } = await world(t);
  const url = exec("read a <&3; echo $a; read b <&3; echo $b", { tty: true, stderr: false });
  const { peer } = await connectSpdy(url, "v4.channel.k8s.io");
  await using _ = peer;
  const { stdout, resize } = await openStreams(peer, "error", "stdout", "resize");
  await peer.sendData(resize, '{"Width":80,"Hei');
  await peer.sendData(resize, 'ght":24}\nnonsense}');
  await peer.frame((frame) => frame.kind === "data" && frame.streamId === stdout);
  await peer.sendData(resize, '{"Width":100,"Height":30}\n');
  assert.equal((await peer.data(stdout)).toString(), "80x24\n100x30\n");
});

test("attach ends with success when the output has ended", async (t) => {
  const { server } = await world(t);
  const request = { ...none, stdin: true, stdout: true, stderr: true, containerId: "c" };
  const { peer } = await connectSpdy(server.attachUrl(request), "v4.channel.k8s.io");
  await using _ = peer;
  const { error, stdin, stdout } = await openStreams(peer, "error", "stdin", "stdout", "stderr");
  await peer.sendData(stdin, "echo hello\nexit 4\n");
  assert.equal((await peer.data(stdout)).toString(), "hello\n");
  assert.deepEqual(JSON.parse((await peer.data(error)).toString()), success);
});

test("a token is good once, for its own path, and for its time", async (t) => {
  const { server, exec } = await world(t);
  const url = exec("true");
  const attach = server.attachUrl({ ...none, stdout: true, containerId: "c" });
  await assert.rejects(connectSpdy(attach.replace("/attach/", "/exec/"), "v4.channel.k8s.io"), /^Error: 404/);
  const { peer } = await connectSpdy(url, "v4.channel.k8s.io");
  await peer[Symbol.asyncDispose]();
  await assert.rejects(connectSpdy(url, "v4.channel.k8s.io"), /^Error: 404/);
  await assert.rejects(connectSpdy(`${url}x`, "v4.channel.k8s.io"), /^Error: 404/);
  await assert.rejects(ChannelClient.open(url), /404/);
  assert.equal((await fetch(url)).status, 404);
  assert.equal((await fetch(exec("true"), { method: "PUT" })).status, 405);
  assert.equal((await fetch(exec("true"))).status, 400);
  const { exec: expired } = await world(t, { tokenLifetimeMs: 0 });
  await assert.rejects(connectSpdy(expired("true"), "v4.channel.k8s.io"), /^Error: 404/);
});

test("tokens that nobody uses have a bound", async (t) => {
  const { exec } = await world(t, { maximumTokens: 2 });
  const first = exec("true");
  exec("true");
  assert.throws(() => exec("true"), { code: "resource-exhausted" });
  await fetch(first);
  exec("true");
});

test("requests that make no sense get no URL", async (t) => {
  const { server, exec } = await world(t);
  const refused = { code: "invalid-argument" };
  assert.throws(() => exec("true", { stdout: false, stderr: false }), {
    ...refused,
    message: "one of stdin, stdout, or stderr must be set",
  });
  assert.throws(() => exec("true", { tty: true }), { ...refused, message: "tty and stderr cannot both be true" });
  assert.throws(() => server.attachUrl({ ...none, stdin: true, containerId: "" }), refused);
  assert.throws(() => server.portForwardUrl({ sandboxId: "", ports: [] }), refused);
  assert.throws(() => server.portForwardUrl({ sandboxId: "s", ports: [70_000] }), refused);
});

test("protocols that the server does not know are refused with those that it knows", async (t) => {
  const { exec } = await world(t);
  await assert.rejects(connectSpdy(exec("true"), "v9.channel.k8s.io"), /^Error: 403 .*v4\.channel\.k8s\.io/);
  await assert.rejects(connectSpdy(exec("true"), undefined), /^Error: 400 .*X-Stream-Protocol-Version/);
  await assert.rejects(ChannelClient.open(exec("true"), "v9.channel.k8s.io"), /403/);
});

test("a client that does not open its streams is sent away", async (t) => {
  const { exec, runtime } = await world(t, { streamCreationTimeoutMs: 50 });
  const { peer } = await connectSpdy(exec("true"), "v4.channel.k8s.io");
  await using _ = peer;
  await openStreams(peer, "error", "stdout");
  await peer.end();
  assert.equal(runtime.running.size, 0);
});

test("an idle connection is ended, and its command with it", async (t) => {
  const { exec, runtime } = await world(t, { idleTimeoutMs: 100 });
  const { peer } = await connectSpdy(exec("sleep 1000"), "v4.channel.k8s.io");
  await using _ = peer;
  await openStreams(peer, "error", "stdout", "stderr");
  await peer.end();
  await until(() => runtime.aborted.length === 1, "the handler heard of it");
  const webSocket = await ChannelClient.open(exec("sleep 1000"), "v5.channel.k8s.io");
  await webSocket.closed();
  await until(() => runtime.aborted.length === 2, "the handler of the WebSocket too");
});

test("the handler hears when the peer has gone", async (t) => {
  const { exec, runtime } = await world(t);
  const spdy = await connectSpdy(exec("sleep 1000"), "v4.channel.k8s.io");
  await openStreams(spdy.peer, "error", "stdout", "stderr");
  await until(() => runtime.running.size === 1, "it runs");
  spdy.socket.destroy();
  await until(() => runtime.aborted.length === 1, "the end of a SPDY connection");
  const webSocket = await ChannelClient.open(exec("sleep 1000"), "v5.channel.k8s.io");
  await until(() => runtime.running.size === 1, "the second runs");
  webSocket.socket.terminate();
  await until(() => runtime.aborted.length === 2, "the end of a WebSocket");
});

test("closing the server ends what runs", async (t) => {
  const { exec, runtime, server } = await world(t);
  const { peer } = await connectSpdy(exec("sleep 1000"), "v4.channel.k8s.io");
  await using _ = peer;
  await openStreams(peer, "error", "stdout", "stderr");
  const webSocket = await ChannelClient.open(exec("sleep 1000"), "v5.channel.k8s.io");
  webSocket.socket.on("error", () => {});
  await until(() => runtime.running.size === 2, "both run");
  await server[Symbol.asyncDispose]();
  assert.equal(runtime.running.size, 0);
  await peer.end();
});

for (const protocol of [
  undefined,
  "channel.k8s.io",
  "base64.channel.k8s.io",
  "v4.channel.k8s.io",
  "v4.base64.channel.k8s.io",
]) {
  test(`WebSocket ${protocol ?? "without a protocol"}: output, input and status`, async (t) => {
    const { exec } = await world(t);
    const client = await ChannelClient.open(
      exec("read a; echo got $a; echo problem >&2; exit 2", { stdin: true }),
      protocol,
    );
    client.send(0, "line\n");
    assert.equal(await client.closed(), 1000);
    assert.equal(client.socket.protocol, protocol ?? "");
    assert.equal(client.data(1).toString(), "got line\n");
    assert.equal(client.data(2).toString(), "problem\n");
    const status = client.data(3).toString();
    if (protocol?.startsWith("v4") === true)
      assert.equal((JSON.parse(status) as { reason: string }).reason, "NonZeroExitCode");
    else assert.match(status, /command terminated with non-zero exit code/);
  });
}

test("WebSocket v5: the client ends its input and sends sizes", async (t) => {
  const { exec } = await world(t);
  const client = await ChannelClient.open(
    exec("cat; read a <&3; echo $a", { stdin: true, tty: true, stderr: false }),
    "v5.channel.k8s.io",
  );
  client.send(4, '{"Width":81,"Height":25}\n');
  client.send(9, "for nobody");
  client.send(0, "line\n");
  client.socket.send(Uint8Array.of(255, 0));
  assert.equal(await client.closed(), 1000);
  assert.equal(client.data(1).toString(), "line\n81x25\n");
  assert.deepEqual(JSON.parse(client.data(3).toString()), success);
});

test("a client that does not read holds up the process, not the daemon", async (t) => {
  const { exec, runtime } = await world(t);
  const url = () => exec("head -c 100000000 /dev/zero");
  const webSocket = await ChannelClient.open(url(), "v5.channel.k8s.io");
  webSocket.socket.pause();
  await stuck(runtime);
  assert.ok(runtime.written() < 50_000_000, `${runtime.written()} bytes went to a WebSocket that reads nothing`);
  webSocket.socket.terminate();
  await until(() => runtime.running.size === 0, "the first ended");
  const before = runtime.written();
  const { peer, socket } = await connectSpdy(url(), "v4.channel.k8s.io");
  peer.pause();
  await openStreams(peer, "error", "stdout", "stderr");
  await until(() => runtime.written() > before, "output flows");
  await stuck(runtime);
  assert.ok(runtime.written() - before < 50_000_000, `${runtime.written()} bytes went to a client that reads nothing`);
  socket.destroy();
});

/** Resolves when output has not moved for many turns of the loop. */
async function stuck(runtime: LocalRuntime): Promise<void> {
  for (let last = -1, since = Date.now(); Date.now() - since < 300; await turn()) {
    if (runtime.written() === last && last > 0) continue;
    last = runtime.written();
    since = Date.now();
  }
}

/** A service that sends back what it gets, and then how much it was. */
async function echoService(t: TestContext): Promise<number> {
  const sockets = new Set<Socket>();
  const service = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    let bytes = 0;
    socket.on("error", () => {});
    socket.on("data", (data) => {
      bytes += data.length;
      socket.write(data);
    });
    socket.on("end", () => socket.end(`\n${bytes}`));
  });
  service.listen(0, "127.0.0.1");
  await once(service, "listening");
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    service.close();
  });
  return (service.address() as { port: number }).port;
}

test("SPDY port-forward: several connections at once, each with its own end", async (t) => {
  const { server } = await world(t);
  const port = await echoService(t);
  const { peer } = await connectSpdy(server.portForwardUrl({ sandboxId: "s", ports: [] }), "portforward.k8s.io");
  await using _ = peer;
  const open = async (id: string) => {
    const headers = { port: String(port), requestid: id };
    const error = await peer.open({ ...headers, streamtype: "error" }, true);
    return { error, data: await peer.open({ ...headers, streamtype: "data" }) };
  };
  const [one, two] = [await open("0"), await open("1")];
  await peer.sendData(two.data, "second", true);
  await peer.sendData(one.data, "first", true);
  assert.equal((await peer.data(one.data)).toString(), "first\n5");
  assert.equal((await peer.data(two.data)).toString(), "second\n6");
  assert.equal((await peer.data(one.error)).length, 0);
  // Ids may come again.
  const three = await open("0");
  await peer.sendData(three.data, "", true);
  assert.equal((await peer.data(three.data)).toString(), "\n0");
});

test("SPDY port-forward: what cannot be reached is said, and the connection stays", async (t) => {
  const { server } = await world(t, { streamCreationTimeoutMs: 100 });
  const port = await echoService(t);
  const { peer } = await connectSpdy(server.portForwardUrl({ sandboxId: "s", ports: [] }), "portforward.k8s.io");
  await using _ = peer;
  const refused = async (headers: Record<string, string>) => {
    const id = await peer.open(headers);
    await peer.frame((frame) => frame.kind === "rst-stream" && frame.streamId === id);
  };
  const error = await peer.open({ streamtype: "error", port: "1" });
  const data = await peer.open({ streamtype: "data", port: "1" });
  assert.match(
    (await peer.data(error)).toString(),
    /error forwarding port 1 to pod s: connect to port 1: .*ECONNREFUSED/,
  );
  await peer.frame((frame) => frame.kind === "rst-stream" && frame.streamId === data);
  await refused({ streamtype: "data", port: "0" });
  await refused({ streamtype: "data", port: "99999" });
  await refused({ streamtype: "stdin", port: "80" });
  await refused({ streamtype: "error", port: "80", requestid: "never complete" });
  const again = await peer.open({ streamtype: "data", port: String(port), requestid: "x" });
  await peer.open({ streamtype: "error", port: String(port), requestid: "x" });
  await peer.sendData(again, "", true);
  assert.equal((await peer.data(again)).toString(), "\n0");
});

test("SPDY port-forward: a client that lets one connection go keeps the others", async (t) => {
  const { server } = await world(t);
  const port = String(await echoService(t));
  const { peer } = await connectSpdy(server.portForwardUrl({ sandboxId: "s", ports: [] }), "portforward.k8s.io");
  await using _ = peer;
  const open = async (requestid: string) => {
    const error = await peer.open({ streamtype: "error", port, requestid });
    const data = await peer.open({ streamtype: "data", port, requestid });
    await peer.sendData(data, "x");
    await peer.frame((frame) => frame.kind === "data" && frame.streamId === data);
    return { error, data };
  };
  const [gone, kept] = [await open("gone"), await open("kept")];
  await peer.send({ kind: "rst-stream", streamId: gone.data, status: 5 });
  await peer.data(gone.error);
  await peer.sendData(kept.data, "y", true);
  assert.equal((await peer.data(kept.data)).toString(), "xy\n2");
});

test("SPDY port-forward: the handlers hear when the peer has gone", async (t) => {
  const { server, runtime } = await world(t);
  const port = String(await echoService(t));
  const { peer, socket } = await connectSpdy(
    server.portForwardUrl({ sandboxId: "s", ports: [] }),
    "portforward.k8s.io",
  );
  await peer.open({ streamtype: "error", port, requestid: "1" });
  const data = await peer.open({ streamtype: "data", port, requestid: "1" });
  await peer.sendData(data, "x");
  await peer.frame((frame) => frame.kind === "data" && frame.streamId === data);
  socket.destroy();
  await until(() => runtime.aborted.length === 1, "the handler heard of it");
});

test("WebSocket port-forward: two channels for each port that the request names", async (t) => {
  const { server } = await world(t);
  const port = await echoService(t);
  const url = server.portForwardUrl({ sandboxId: "s", ports: [port, 1] });
  const client = await ChannelClient.open(url, "v4.channel.k8s.io");
  client.send(0, "hello");
  await until(() => client.data(0).length === 7 && client.data(3).length > 2, "answers");
  assert.equal(client.data(0).readUInt16LE(), port);
  assert.equal(client.data(0).toString("utf8", 2), "hello");
  assert.equal(client.data(1).readUInt16LE(), port);
  assert.equal(client.data(2).readUInt16LE(), 1);
  assert.match(client.data(3).toString("utf8", 2), /ECONNREFUSED/);
  client.socket.close();
  await client.closed();
});

test("TLS: who trusts the certificate is served, and the URL says https", async (t) => {
  const directory = mkdtempSync(path.join(tmpdir(), "berth-streaming-tls-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const [key, cert] = [path.join(directory, "key.pem"), path.join(directory, "cert.pem")];
  const subject = ["-subj", "/CN=berth", "-addext", "subjectAltName=IP:127.0.0.1"];
  const make = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
  execFileSync("openssl", [...make, ...subject, "-keyout", key, "-out", cert], { stdio: "ignore" });
  const tls = { key: readFileSync(key, "utf8"), cert: readFileSync(cert, "utf8") };
  const { exec } = await world(t, { tls });
  const url = exec("echo secret");
  assert.match(url, /^https:/);
  await assert.rejects(connectSpdy(url, "v4.channel.k8s.io"), /self-signed/);
  const { peer } = await connectSpdy(url, "v4.channel.k8s.io", { ca: tls.cert });
  await using _ = peer;
  const { stdout } = await openStreams(peer, "error", "stdout", "stderr");
  assert.equal((await peer.data(stdout)).toString(), "secret\n");
});
