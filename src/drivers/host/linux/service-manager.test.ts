// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { type TestContext, test } from "node:test";
import { activatedSockets, notifyReady, notifyStopping, takeManagerVariables } from "./service-manager.ts";

/** A datagram socket of python's that prints what it gets; Node has none. */
async function listen(t: TestContext, address: string): Promise<() => Promise<string>> {
  const program = [
    "import socket, sys",
    "s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)",
    "s.bind(sys.argv[1].replace('@', '\\0', 1) if sys.argv[1][0] == '@' else sys.argv[1])",
    "print('bound', flush=True)",
    "print(repr(s.recv(1000)), flush=True)",
  ].join("\n");
  const child = spawn("python3", ["-c", program, address], { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => String((await lines.next()).value);
  assert.equal(await next(), "bound");
  return next;
}

test("tells the service manager on a path and on an abstract socket", async (t) => {
  const directory = await mkdtemp(path.join(tmpdir(), "berth-notify-"));
  t.after(async () => await rm(directory, { recursive: true }));
  const socket = path.join(directory, "notify");
  const received = await listen(t, socket);
  notifyReady({ NOTIFY_SOCKET: socket });
  assert.equal(await received(), `b'READY=1\\nMAINPID=${process.pid}'`);
  const abstract = `@berth-notify-${process.pid}`;
  const receivedAbstract = await listen(t, abstract);
  notifyStopping({ NOTIFY_SOCKET: abstract });
  assert.equal(await receivedAbstract(), "b'STOPPING=1'");
});

test("says nothing without a service manager, and names the socket that does not answer", () => {
  notifyReady({});
  assert.throws(() => notifyReady({ NOTIFY_SOCKET: "/nonexistent/notify" }), {
    code: "not-found",
    message: /cannot notify the service manager at \/nonexistent\/notify/,
  });
});

test("takes only sockets that were opened for this process", () => {
  const pid = String(process.pid);
  assert.deepEqual(activatedSockets({ LISTEN_PID: pid, LISTEN_FDS: "2", LISTEN_FDNAMES: "api" }), [
    { descriptor: 3, name: "api" },
    { descriptor: 4, name: "unknown" },
  ]);
  assert.deepEqual(activatedSockets({ LISTEN_PID: "1", LISTEN_FDS: "2" }), []);
  assert.deepEqual(activatedSockets({ LISTEN_PID: pid }), []);
  assert.deepEqual(activatedSockets({}), []);
});

test("leaves programs that are started nothing to mistake for theirs", () => {
  const environment = {
    PATH: "/bin",
    NOTIFY_SOCKET: "/run/notify",
    LISTEN_PID: "1",
    LISTEN_FDS: "1",
    LISTEN_FDNAMES: "a",
  };
  const { PATH: _, ...said } = { ...environment };
  assert.deepEqual(takeManagerVariables(environment), said);
  assert.deepEqual(environment, { PATH: "/bin" });
});
