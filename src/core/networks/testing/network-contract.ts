// SPDX-License-Identifier: Apache-2.0
// What every network driver must do, tried with real namespaces. Needs root.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { createServer } from "node:net";
import { type TestContext, test } from "node:test";
import { type ErrorCode, hasCode } from "../../../base/errors.ts";
import type { AttachRequest, NetworkDriver, PortMapping } from "../network-driver.ts";
import { makeNamespace, type TestNamespace } from "./network-namespace.ts";

export interface NetworkHarness {
  readonly driver: NetworkDriver;
  /** A bridged network that can publish ports. */
  readonly network: string;
  /** The driver as a daemon that starts now would have it; the one before is not used any more. */
  reopen(): Promise<NetworkDriver>;
}

const signal = AbortSignal.timeout(120_000);

const failsWith = (code: ErrorCode) => (error: unknown) => hasCode(error, code);

export function newSandboxId(): string {
  return randomBytes(32).toString("hex");
}

export function requestFor(
  namespace: TestNamespace,
  network: string,
  extra: Partial<AttachRequest> = {},
): AttachRequest {
  return {
    sandboxId: newSandboxId(),
    network,
    namespacePath: namespace.path,
    interfaceName: "eth0",
    hostname: "host",
    aliases: [],
    ports: [],
    ...extra,
  };
}

export function tcp(hostPort: number, containerPort = 80, hostIp = "0.0.0.0"): PortMapping {
  return { hostIp, hostPort, containerPort, protocol: "tcp" };
}

/** A port that nobody listens on at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "0.0.0.0");
  await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  assert.ok(typeof address === "object" && address !== null);
  return address.port;
}

/** Serves one small file on port 80 inside. */
export function serveHttp(namespace: TestNamespace, root: string): void {
  namespace.start("busybox", "httpd", "-f", "-p", "80", "-h", root);
}

/** Asks until somebody answers. */
export async function fetchText(url: string): Promise<string> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(1000), headers: { connection: "close" } });
      return await response.text();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** Registers the contract's tests; open is called once for each and detaches everything through its context. */
export function networkContract(name: string, open: (t: TestContext) => Promise<NetworkHarness>): void {
  test(`${name}: attaching gives an address that the sandbox has, and detaching takes it away`, async (t) => {
    const { driver, network } = await open(t);
    const namespace = makeNamespace(t);
    const request = requestFor(namespace, network);
    const attachment = await driver.attach(request, { signal });
    assert.equal(attachment.network, network);
    assert.equal(attachment.interfaceName, "eth0");
    const shown = namespace.run("ip", "-o", "address", "show", "dev", "eth0");
    assert.ok(shown.includes(attachment.addresses[0]?.address ?? "no address"), shown);
    assert.ok(namespace.run("ip", "link", "show", "dev", "eth0").includes(attachment.macAddress));
    assert.ok(namespace.run("ip", "route").includes(`default via ${attachment.addresses[0]?.gateway}`));
    await driver.check(request.sandboxId, network, { signal });
    await driver.detach(request.sandboxId, network, { signal });
    assert.throws(() => namespace.run("ip", "link", "show", "dev", "eth0"));
    await driver.detach(request.sandboxId, network, { signal });
  });

  test(`${name}: the network is listed and ready, an unknown one is not found`, async (t) => {
    const { driver, network } = await open(t);
    assert.ok((await driver.list()).some((info) => info.name === network));
    await driver.status(network, { signal });
    await assert.rejects(driver.status("nowhere", { signal }), failsWith("not-found"));
    const request = requestFor(makeNamespace(t), "nowhere");
    await assert.rejects(driver.attach(request, { signal }), failsWith("not-found"));
    await driver.detach(newSandboxId(), "nowhere", { signal });
  });

  test(`${name}: sandboxes of one network get different addresses, also when attached at once`, async (t) => {
    const { driver, network } = await open(t);
    const namespaces = [0, 1, 2, 3].map(() => makeNamespace(t));
    const attachments = await Promise.all(
      namespaces.map((namespace) => driver.attach(requestFor(namespace, network), { signal })),
    );
    assert.equal(new Set(attachments.map(({ addresses }) => addresses[0]?.address)).size, 4);
    const other = attachments[1]?.addresses[0]?.address.split("/")[0] ?? "";
    namespaces[0]?.run("busybox", "ping", "-c", "1", "-W", "5", other);
  });

  test(`${name}: a published port is reached on the host's addresses and on loopback`, async (t) => {
    const { driver, network } = await open(t);
    const namespace = makeNamespace(t);
    serveHttp(namespace, import.meta.dirname);
    const port = await freePort();
    const attachment = await driver.attach(requestFor(namespace, network, { ports: [tcp(port)] }), { signal });
    assert.deepEqual(attachment.ports, [tcp(port)]);
    const file = "network-contract.ts";
    assert.match(await fetchText(`http://127.0.0.1:${port}/${file}`), /busybox/);
    assert.match(await fetchText(`http://${attachment.addresses[0]?.gateway}:${port}/${file}`), /busybox/);
  });

  test(`${name}: port 0 is a free port of the host's choice`, async (t) => {
    const { driver, network } = await open(t);
    const ports = [tcp(0, 80), tcp(0, 81), { ...tcp(0, 53), protocol: "udp" as const }];
    const attachment = await driver.attach(requestFor(makeNamespace(t), network, { ports }), { signal });
    assert.deepEqual(
      attachment.ports.map(({ containerPort }) => containerPort),
      [80, 81, 53],
    );
    for (const { hostPort } of attachment.ports) assert.ok(hostPort > 1023, String(hostPort));
    assert.notEqual(attachment.ports[0]?.hostPort, attachment.ports[1]?.hostPort);
  });

  test(`${name}: a port that a sandbox or a program has is a conflict, and leaves nothing`, async (t) => {
    const { driver, network } = await open(t);
    const port = await freePort();
    const first = requestFor(makeNamespace(t), network, { ports: [tcp(port)] });
    await driver.attach(first, { signal });
    const namespace = makeNamespace(t);
    const second = requestFor(namespace, network, { ports: [tcp(port, 8080, "127.0.0.1")] });
    await assert.rejects(driver.attach(second, { signal }), (error: Error) => {
      assert.equal(
        error.message,
        `driver failed programming external connectivity: Bind for 127.0.0.1:${port} failed: port is already allocated`,
      );
      return hasCode(error, "conflict");
    });
    assert.throws(() => namespace.run("ip", "link", "show", "dev", "eth0"));
    await driver.detach(first.sandboxId, network, { signal });
    await driver.attach(second, { signal });
    const listener = createServer().listen(0, "127.0.0.1");
    t.after(() => new Promise((resolve) => listener.close(resolve)));
    await new Promise((resolve) => listener.once("listening", resolve));
    const { port: used } = listener.address() as { port: number };
    const third = requestFor(makeNamespace(t), network, { ports: [tcp(used)] });
    await assert.rejects(driver.attach(third, { signal }), failsWith("conflict"));
    const both = requestFor(makeNamespace(t), network, { ports: [tcp(await freePort())] });
    const results = await Promise.allSettled(
      [both, { ...both, sandboxId: newSandboxId(), namespacePath: makeNamespace(t).path }].map((request) =>
        driver.attach(request, { signal }),
      ),
    );
    assert.deepEqual(results.map(({ status }) => status).sort(), ["fulfilled", "rejected"], "two at once");
  });

  test(`${name}: check notices that the interface is gone`, async (t) => {
    const { driver, network } = await open(t);
    const namespace = makeNamespace(t);
    const request = requestFor(namespace, network);
    await driver.attach(request, { signal });
    namespace.run("ip", "link", "delete", "eth0");
    await assert.rejects(driver.check(request.sandboxId, network, { signal }), failsWith("failed-precondition"));
    await assert.rejects(driver.check(newSandboxId(), network, { signal }), failsWith("not-found"));
  });

  test(`${name}: another daemon detaches what this one attached, also without the namespace`, async (t) => {
    const harness = await open(t);
    const port = await freePort();
    const kept = makeNamespace(t);
    const gone = makeNamespace(t);
    const requests = [
      requestFor(kept, harness.network, { ports: [tcp(port)] }),
      requestFor(gone, harness.network, { ports: [tcp(await freePort())] }),
    ];
    for (const request of requests) await harness.driver.attach(request, { signal });
    const driver = await harness.reopen();
    const third = requestFor(makeNamespace(t), harness.network, { ports: [tcp(port)] });
    await assert.rejects(driver.attach(third, { signal }), failsWith("conflict"), "ports are remembered");
    gone.remove();
    for (const { sandboxId, network } of requests) await driver.detach(sandboxId, network, { signal });
    assert.throws(() => kept.run("ip", "link", "show", "dev", "eth0"));
    await driver.attach(third, { signal });
  });

  test(`${name}: garbage is what belongs to no sandbox that is named`, async (t) => {
    const { driver, network } = await open(t);
    const [kept, gone] = [makeNamespace(t), makeNamespace(t)];
    const [keep, leave] = [requestFor(kept, network), requestFor(gone, network)];
    await driver.attach(keep, { signal });
    await driver.attach(leave, { signal });
    await driver.collectGarbage(new Set([keep.sandboxId]), { signal });
    kept.run("ip", "link", "show", "dev", "eth0");
    assert.throws(() => gone.run("ip", "link", "show", "dev", "eth0"));
    await assert.rejects(driver.check(leave.sandboxId, network, { signal }), failsWith("not-found"));
  });

  test(`${name}: a wished address and MAC address are given, and a taken address is refused`, async (t) => {
    const { driver, network } = await open(t);
    const [first, second] = [makeNamespace(t), makeNamespace(t)];
    const probe = await driver.attach(requestFor(makeNamespace(t), network), { signal });
    const address = (probe.addresses[0]?.address ?? "").replace(/\.\d+\//, ".77/");
    const wish = { address, macAddress: "0a:01:02:03:04:05" };
    const attachment = await driver.attach(requestFor(first, network, wish), { signal });
    assert.equal(attachment.addresses[0]?.address, address);
    assert.equal(attachment.macAddress, wish.macAddress);
    await assert.rejects(driver.attach(requestFor(second, network, { address }), { signal }));
    assert.throws(() => second.run("ip", "link", "show", "dev", "eth0"));
  });

  test(`${name}: an attachment whose signal aborts leaves nothing`, async (t) => {
    const { driver, network } = await open(t);
    const namespace = makeNamespace(t);
    const controller = new AbortController();
    const request = requestFor(namespace, network);
    const attaching = assert.rejects(driver.attach(request, { signal: controller.signal }), /enough/);
    setTimeout(() => controller.abort(new Error("enough")), 10);
    await attaching;
    assert.throws(() => namespace.run("ip", "link", "show", "dev", "eth0"));
    await assert.rejects(driver.check(request.sandboxId, network, { signal }), failsWith("not-found"));
  });

  test(`${name}: a sandbox cannot be attached to one network twice`, async (t) => {
    const { driver, network } = await open(t);
    const request = requestFor(makeNamespace(t), network);
    await driver.attach(request, { signal });
    const again = { ...request, interfaceName: "eth1" };
    await assert.rejects(driver.attach(again, { signal }), failsWith("failed-precondition"));
    await driver.check(request.sandboxId, network, { signal });
  });
}
