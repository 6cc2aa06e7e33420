// SPDX-License-Identifier: Apache-2.0
// The streaming server against the libraries of kubectl and crictl, with real processes and services behind it.

import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { buffer, text } from "node:stream/consumers";
import { after, before, type TestContext, test } from "node:test";
import { promisify } from "node:util";
import { StreamingServer, type StreamingServerOptions } from "../../../src/api/cri/streaming/streaming-server.ts";
import { localRuntime } from "../../../src/api/cri/streaming/testing/local-runtime.ts";
import { silentLogger } from "../../../src/base/log.ts";

const skip = spawnSync("go", ["version"]).status !== 0 && "go is not on PATH";
const directory = mkdtempSync(path.join(tmpdir(), "berth-conformance-streaming-"));
const program = path.join(directory, "client");

before(async () => {
  if (skip !== false) return;
  await promisify(execFile)("go", ["build", "-o", program, "."], { cwd: import.meta.dirname });
});
after(() => rmSync(directory, { recursive: true }));

interface Output {
  readonly text: string;
  readonly bytes: number;
  readonly digest: string;
}

interface Result {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly code: number;
  readonly error: string;
}

async function open(t: TestContext, options: Partial<StreamingServerOptions> = {}) {
  const runtime = localRuntime();
  const server = await StreamingServer.open({ runtime, log: silentLogger, ...options });
  t.after(async () => await server[Symbol.asyncDispose]());
  return { runtime, server };
}

/** Starts the client with these flags; it ends with the test. */
function start(t: TestContext, url: string, flags: readonly string[]): ChildProcess {
  const client = spawn(program, ["-url", url, ...flags], { stdio: ["pipe", "pipe", "inherit"] });
  client.stdin?.on("error", () => {});
  t.after(() => client.kill("SIGKILL"));
  return client;
}

async function run(t: TestContext, url: string, flags: readonly string[], input?: Uint8Array): Promise<Result> {
  const client = start(t, url, flags);
  client.stdin?.end(input);
  assert.ok(client.stdout);
  return JSON.parse(await text(client.stdout)) as Result;
}

const digestOf = (data: Uint8Array) => createHash("sha256").update(data).digest("hex");
const all = { stdin: true, stdout: true, stderr: true, tty: false };
const command = (script: string) => ({ containerId: "c", command: ["sh", "-c", script] });

const transports: Readonly<Record<string, readonly string[]>> = {
  SPDY: ["-transport=spdy"],
  "WebSocket v5": ["-transport=websocket"],
};

for (const [name, transport] of Object.entries(transports)) {
  test(`${name}: exec gives both outputs and the exit code`, { skip }, async (t) => {
    const { server } = await open(t);
    const url = server.execUrl({ ...command("echo out; echo err >&2; exit 42"), ...all, stdin: false });
    const found = await run(t, url, transport);
    assert.deepEqual([found.stdout.text, found.stderr.text, found.code, found.error], ["out\n", "err\n", 42, ""]);
  });

  test(`${name}: exec passes input on to its end`, { skip }, async (t) => {
    const { server } = await open(t);
    const input = Buffer.alloc(3_000_000, "0123456789abcdef\n");
    const url = server.execUrl({ ...command("cat; echo done >&2"), ...all });
    const found = await run(t, url, [...transport, "-stdin"], input);
    assert.equal(found.stdout.digest, digestOf(input));
    assert.equal(found.stderr.text, "done\n");
    assert.deepEqual([found.code, found.error], [0, ""]);
  });

  test(`${name}: a command that ends before its input does`, { skip }, async (t) => {
    const { server } = await open(t);
    const client = start(t, server.execUrl({ ...command("head -c 3; exit 5"), ...all }), [...transport, "-stdin"]);
    client.stdin?.write(Buffer.alloc(5_000_000, "abc"));
    assert.ok(client.stdout);
    const found = JSON.parse(await text(client.stdout)) as Result;
    assert.deepEqual([found.stdout.text, found.code, found.error], ["abc", 5, ""]);
  });

  test(`${name}: 50 MB of output arrive as they are, also at a slow reader`, { skip }, async (t) => {
    const { server } = await open(t);
    const size = 50_000_000;
    const script = `openssl enc -aes-128-ctr -K 0 -iv 0 -in /dev/zero 2>/dev/null | head -c ${size}`;
    const made = digestOf(await buffer(spawn("sh", ["-c", script]).stdout));
    for (const pause of ["0", "200us"]) {
      const url = server.execUrl({ ...command(script), ...all, stdin: false });
      const found = await run(t, url, [...transport, `-pause=${pause}`]);
      assert.deepEqual([found.stdout.bytes, found.stdout.digest, found.error], [size, made, ""]);
    }
  });

  test(`${name}: the size of the terminal arrives`, { skip }, async (t) => {
    const { server } = await open(t);
    const url = server.execUrl({ ...command("read size <&3; echo $size"), ...all, stderr: false, tty: true });
    const found = await run(t, url, [...transport, "-tty", "-width=132", "-stdin", "-stderr=false"]);
    assert.deepEqual([found.stdout.text, found.error], ["132x24\n", ""]);
  });

  test(`${name}: attach ends well`, { skip }, async (t) => {
    const { server } = await open(t);
    const url = server.attachUrl({ containerId: "c", ...all });
    const found = await run(t, url, [...transport, "-stdin"], Buffer.from("echo hello\n"));
    assert.deepEqual([found.stdout.text, found.stderr.text, found.code, found.error], ["hello\n", "", 0, ""]);
  });

  test(`${name}: the engine's error is shown`, { skip }, async (t) => {
    const { server } = await open(t);
    const url = server.execUrl({ containerId: "missing", command: ["true"], ...all, stdin: false });
    const found = await run(t, url, transport);
    assert.match(found.error, /error executing command in container: no such container: missing/);
  });

  test(`${name}: a used token is refused`, { skip }, async (t) => {
    const { server } = await open(t);
    const url = server.execUrl({ ...command("true"), ...all, stdin: false });
    assert.equal((await run(t, url, transport)).error, "");
    assert.match((await run(t, url, transport)).error, /404|bad handshake/);
  });

  test(`${name}: a client that is killed ends its command`, { skip }, async (t) => {
    const { server, runtime } = await open(t);
    const client = start(t, server.execUrl({ ...command("echo ready; sleep 1000"), ...all }), [...transport, "-stdin"]);
    await until(() => runtime.written() > 0);
    client.kill("SIGKILL");
    await until(() => runtime.running.size === 0);
    assert.equal(runtime.aborted.length, 1);
  });

  test(`${name}: port-forward, many connections and one that is refused`, { skip }, async (t) => {
    const { server } = await open(t);
    const service = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on("error", () => {});
      buffer(socket).then(
        (got) => socket.end(`${got.length} ${digestOf(got)}`),
        () => {},
      );
    });
    service.listen(0, "127.0.0.1");
    await once(service, "listening");
    t.after(() => service.close());
    const target = (service.address() as { port: number }).port;
    const port = await forward(t, server, transport, target);
    const sizes = [0, 1, 70_000, 3_000_000, 500_000, 10_000_000, 12, 65_536];
    await Promise.all(
      sizes.map(async (size) => {
        const data = Buffer.alloc(size, `data of ${size}`);
        const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
        socket.end(data);
        assert.equal(await text(socket), `${size} ${digestOf(data)}`);
      }),
    );
    service.close();
    const closed = connect({ port, host: "127.0.0.1" });
    closed.on("error", () => {});
    assert.equal(await text(closed).catch(() => ""), "");
  });
}

test("WebSocket v4: exec and its exit code", { skip }, async (t) => {
  const { server } = await open(t);
  const url = server.execUrl({ ...command("echo out; exit 7"), ...all, stdin: false });
  const found = await run(t, url, ["-transport=websocket", "-protocol=v4.channel.k8s.io"]);
  assert.deepEqual([found.stdout.text, found.code, found.error], ["out\n", 7, ""]);
});

for (const [name, transport] of Object.entries(transports)) {
  test(`${name}: over TLS`, { skip }, async (t) => {
    const [file, keyFile] = [path.join(directory, "cert.pem"), path.join(directory, "key.pem")];
    const made = spawnSync("openssl", [
      ..."req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=berth".split(" "),
      "-addext",
      "subjectAltName=IP:127.0.0.1",
      "-keyout",
      keyFile,
      "-out",
      file,
    ]);
    assert.equal(made.status, 0, made.stderr.toString());
    const tls = { key: readFileSync(keyFile, "utf8"), cert: readFileSync(file, "utf8") };
    const { server } = await open(t, { tls });
    const url = server.execUrl({ ...command("cat"), ...all });
    const found = await run(t, url, [...transport, `-ca=${file}`, "-stdin"], Buffer.from("secret\n"));
    assert.deepEqual([found.stdout.text, found.error], ["secret\n", ""]);
  });
}

/** Forwards a free local port; gives it. */
async function forward(t: TestContext, server: StreamingServer, transport: readonly string[], port: number) {
  const client = start(t, server.portForwardUrl({ sandboxId: "s", ports: [] }), [...transport, `-port=${port}`]);
  assert.ok(client.stdout);
  for await (const line of createInterface(client.stdout)) return Number(line);
  throw new Error("the client ended before its port was ready");
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!condition()) {
    assert.ok(Date.now() < deadline, "timed out");
    await new Promise((resolve) => setImmediate(resolve));
  }
}
