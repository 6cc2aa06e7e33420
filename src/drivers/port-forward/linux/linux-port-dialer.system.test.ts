// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readlink, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { type TestContext, test } from "node:test";
import { cancelled } from "../../../base/errors.ts";
import type { PortDialer } from "../../../core/sandboxes/port-dialer.ts";
import { unmountAll } from "../../../linux/mount/unmount.ts";
import { NamespaceThread } from "../../../linux/namespaces/namespace-thread.ts";
import { linuxPortDialer } from "./linux-port-dialer.ts";

const signal = new AbortController().signal;
const workerUrl = new URL("../../../daemon/workers/namespaces.ts", import.meta.url);

async function world(t: TestContext): Promise<{ readonly dialer: PortDialer; readonly pin: string }> {
  const directory = await mkdtemp(path.join(tmpdir(), "berth-port-dialer-"));
  const thread = new NamespaceThread(workerUrl);
  t.after(async () => {
    await thread[Symbol.asyncDispose]();
    await unmountAll(directory);
    await rm(directory, { recursive: true });
  });
  const pins = path.join(directory, "pod");
  await thread.pin({ directory: pins, kinds: ["network"], hostname: "", sysctls: [] });
  return { dialer: linuxPortDialer({ namespaceThread: thread }), pin: path.join(pins, "net") };
}

/** A service inside the namespace that answers with what it got, its length before it; gives its port. */
async function serve(t: TestContext, pin: string, host: string, accept = true): Promise<number> {
  const program = `
    import { createServer } from "node:net";
    import { buffer } from "node:stream/consumers";
    const server = createServer({ allowHalfOpen: true }, async (socket) => {
      socket.on("error", () => {});
      const got = await buffer(socket);
      socket.end(got.length + " " + got);
    });
    server.listen({ host: ${JSON.stringify(host)}, port: 0, backlog: ${accept ? 511 : 1} }, () => {
      console.log(server.address().port);
      ${accept ? "" : "process.kill(process.pid, 'SIGSTOP');"}
    });`;
  const service: ChildProcess = spawn(
    "nsenter",
    [`--net=${pin}`, process.execPath, "--input-type=module", "-e", program],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  t.after(async () => {
    service.kill("SIGKILL");
    if (service.exitCode === null && service.signalCode === null) await once(service, "exit");
  });
  assert.ok(service.stdout);
  for await (const line of createInterface(service.stdout)) return Number(line);
  throw new Error("the service did not start");
}

async function sockets(): Promise<number> {
  let count = 0;
  for (const name of await readdir("/proc/self/fd")) {
    if ((await readlink(`/proc/self/fd/${name}`).catch(() => "")).startsWith("socket:")) count++;
  }
  return count;
}

test("connects to a service of the namespace, both ways, with each side's end", async (t) => {
  const { dialer, pin } = await world(t);
  const port = await serve(t, pin, "127.0.0.1");
  for (const size of [0, 5, 2_000_000]) {
    const socket = await dialer.connect(pin, port, { signal });
    socket.end("x".repeat(size));
    assert.equal(await text(socket), `${size} ${"x".repeat(size)}`);
  }
});

test("reaches a service that listens on IPv6 only, and many connections at once", async (t) => {
  const { dialer, pin } = await world(t);
  const port = await serve(t, pin, "::1");
  const answers = Array.from({ length: 50 }, async (_, index) => {
    const socket = await dialer.connect(pin, port, { signal });
    socket.end(`number ${index}`);
    return await text(socket);
  });
  for (const [index, answer] of (await Promise.all(answers)).entries())
    assert.equal(answer, `${`number ${index}`.length} number ${index}`);
});

test("the host's services are not those of the namespace, and stay the host's own", async (t) => {
  const { dialer, pin } = await world(t);
  const server = createServer((socket) => socket.end("host"));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const { port } = server.address() as { port: number };
  await assert.rejects(dialer.connect(pin, port, { signal }), {
    code: "unavailable",
    message: new RegExp(`cannot connect to port ${port}: .*ECONNREFUSED`),
  });
  // The thread has come home, and the host is reached without a namespace.
  const own = await readlink("/proc/self/ns/net");
  for (const task of await readdir("/proc/self/task"))
    assert.equal(await readlink(`/proc/self/task/${task}/ns/net`), own);
  const socket = await dialer.connect(undefined, port, { signal });
  assert.equal(await text(socket), "host");
  socket.destroy();
  const before = await sockets();
  for (let count = 0; count < 20; count++) await assert.rejects(dialer.connect(pin, port, { signal }));
  assert.equal(await sockets(), before, "refused connections leave sockets open");
});

test("says when nobody listens on the host, or the namespace is gone", async (t) => {
  const { dialer, pin } = await world(t);
  await assert.rejects(dialer.connect(undefined, 1, { signal }), { code: "unavailable" });
  await assert.rejects(dialer.connect(`${pin}-gone`, 80, { signal }), { code: "not-found" });
  await assert.rejects(dialer.connect("/etc/hostname", 80, { signal }), { code: "unavailable" });
});

test("a connection that does not come about ends with its signal and leaves nothing", async (t) => {
  const { dialer, pin } = await world(t);
  // Stopped, it accepts nobody: its queue of two fills, and who comes then waits.
  const port = await serve(t, pin, "127.0.0.1", false);
  const before = await sockets();
  const opened = [await dialer.connect(pin, port, { signal }), await dialer.connect(pin, port, { signal })];
  const controller = new AbortController();
  const waiting = dialer.connect(pin, port, { signal: controller.signal });
  controller.abort(cancelled("enough"));
  await assert.rejects(waiting, { code: "cancelled", message: "enough" });
  for (const socket of opened) {
    socket.destroy();
    await once(socket, "close");
  }
  assert.equal(await sockets(), before);
});
