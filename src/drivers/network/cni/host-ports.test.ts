// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { createServer } from "node:net";
import { test } from "node:test";
import { hasCode } from "../../../base/errors.ts";
import type { PortMapping } from "../../../core/networks/network-driver.ts";
import { freePort, tcp } from "../../../core/networks/testing/network-contract.ts";
import { HostPorts } from "./host-ports.ts";

const signal = new AbortController().signal;
const isConflict = (error: unknown) => hasCode(error, "conflict");
const none = () => new HostPorts(() => []);

test("a reserved port is taken until it is released", async () => {
  const ports = none();
  const port = await freePort();
  const reservation = await ports.reserve([tcp(port)], { signal });
  await assert.rejects(ports.reserve([tcp(port, 81)], { signal }), isConflict);
  await assert.rejects(ports.reserve([tcp(port, 81, "127.0.0.1")], { signal }), isConflict);
  (await ports.reserve([{ ...tcp(port), protocol: "udp" }], { signal }))[Symbol.dispose]();
  reservation[Symbol.dispose]();
  (await ports.reserve([tcp(port)], { signal }))[Symbol.dispose]();
});

test("one port on two addresses is two ports", async () => {
  const port = await freePort();
  const attached: PortMapping[] = [tcp(port, 80, "127.0.0.2")];
  const ports = new HostPorts(() => attached);
  await assert.rejects(ports.reserve([tcp(port)], { signal }), isConflict);
  (await ports.reserve([tcp(port, 80, "127.0.0.1")], { signal }))[Symbol.dispose]();
});

test("a program that listens has its port, on any of its addresses", async (t) => {
  const server = createServer().listen(0, "127.0.0.1");
  t.after(() => new Promise((resolve) => server.close(resolve)));
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  await assert.rejects(none().reserve([tcp(port)], { signal }), isConflict);
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  t.after(() => new Promise<void>((resolve) => socket.close(() => resolve())));
  await new Promise((resolve) => socket.once("listening", resolve));
  const udp: PortMapping = { ...tcp(socket.address().port, 53, ""), protocol: "udp" };
  await assert.rejects(none().reserve([udp], { signal }), /Bind for 0\.0\.0\.0:\d+ failed: port is already allocated/);
});

test("when one port of several is taken none stays reserved", async () => {
  const [first, second] = [await freePort(), await freePort()];
  const ports = new HostPorts(() => [tcp(second)]);
  await assert.rejects(ports.reserve([tcp(first), tcp(second)], { signal }), isConflict);
  (await ports.reserve([tcp(first)], { signal }))[Symbol.dispose]();
});

test("of a range the first free port is taken, and a range that is used up is refused", async () => {
  const first = await freePort();
  const range = { ...tcp(first), hostPortEnd: first + 1 };
  const ports = new HostPorts(() => [tcp(first)]);
  const reservation = await ports.reserve([range], { signal });
  assert.deepEqual(reservation.ports, [tcp(first + 1)]);
  await assert.rejects(ports.reserve([range], { signal }), {
    code: "conflict",
    message: new RegExp(`Bind for \\S+:${first}-${first + 1} failed: all ports are allocated`),
  });
  reservation[Symbol.dispose]();
});

test("impossible ports and addresses are invalid", async () => {
  const isInvalid = (error: unknown) => hasCode(error, "invalid-argument");
  await assert.rejects(none().reserve([tcp(70_000)], { signal }), isInvalid);
  await assert.rejects(none().reserve([tcp(80, 0)], { signal }), isInvalid);
  await assert.rejects(none().reserve([tcp(await freePort(), 80, "192.0.2.200")], { signal }), isInvalid);
});
