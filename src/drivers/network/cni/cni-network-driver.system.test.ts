// SPDX-License-Identifier: Apache-2.0
// The CNI driver with the distribution's plugins. Each test has a bridge and a subnet of its own, and must leave
// neither interfaces nor iptables chains, records or leases behind.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { hasCode } from "../../../base/errors.ts";
import { armFailpoint } from "../../../base/failpoint.ts";
import { silentLogger } from "../../../base/log.ts";
import type { NetworkDriver } from "../../../core/networks/network-driver.ts";
import {
  fetchText,
  freePort,
  type NetworkHarness,
  networkContract,
  requestFor,
  serveHttp,
  tcp,
} from "../../../core/networks/testing/network-contract.ts";
import { makeNamespace } from "../../../core/networks/testing/network-namespace.ts";
import { type CniNetworkDriverDependencies, openCniNetworkDriver } from "./cni-network-driver.ts";
import { masqueradeChain } from "./masquerade.ts";
import { defaultPluginDirectories } from "./plugin-runner.ts";

const signal = AbortSignal.timeout(120_000);

interface CniHarness extends NetworkHarness {
  readonly root: string;
  readonly bridge: string;
  readonly dependencies: CniNetworkDriverDependencies;
}

async function open(t: TestContext): Promise<CniHarness> {
  const root = mkdtempSync(path.join(tmpdir(), "berth-cni-"));
  const [first = 0, second = 0] = randomBytes(2);
  const bridge = `bt${randomBytes(4).toString("hex")}`;
  const dependencies: CniNetworkDriverDependencies = {
    configurationDirectory: path.join(root, "net.d"),
    podConfigurationDirectory: path.join(root, "pods"),
    defaultNetwork: "berth",
    pluginDirectories: defaultPluginDirectories,
    stateDirectory: path.join(root, "state"),
    defaultBridge: { name: bridge, subnet: `10.${100 + (first % 100)}.${second}.0/24` },
    logger: silentLogger,
  };
  let driver: NetworkDriver;
  const sandboxIds = new Set<string>();
  t.after(async () => {
    try {
      await driver.collectGarbage(new Set(), { signal });
      await checkLeaks(dependencies, sandboxIds);
    } finally {
      if (existsSync(`/sys/class/net/${bridge}`)) execFileSync("ip", ["link", "delete", bridge]);
      rmSync(root, { recursive: true, force: true });
    }
  });
  const openDriver = async () => {
    driver = noteSandboxes(await openCniNetworkDriver(dependencies), sandboxIds);
    return driver;
  };
  return { root, bridge, dependencies, driver: await openDriver(), network: "berth", reopen: openDriver };
}

/** The same driver, with the ids of all sandboxes that it was ever asked to attach. */
function noteSandboxes(driver: NetworkDriver, ids: Set<string>): NetworkDriver {
  return {
    list: () => driver.list(),
    podNetwork: () => driver.podNetwork(),
    status: (...of) => driver.status(...of),
    attach: (request, options) => {
      ids.add(request.sandboxId);
      return driver.attach(request, options);
    },
    detach: (...of) => driver.detach(...of),
    check: (...of) => driver.check(...of),
    collectGarbage: (...of) => driver.collectGarbage(...of),
    [Symbol.asyncDispose]: () => driver[Symbol.asyncDispose](),
  };
}

/** Interfaces on the bridge, iptables chains, records and leases: none may be left. */
async function checkLeaks(dependencies: CniNetworkDriverDependencies, sandboxIds: Iterable<string>): Promise<void> {
  const nat = natRules();
  for (const id of sandboxIds) {
    const chain = masqueradeChain("berth", id);
    assert.ok(!nat.includes(chain), `iptables chain ${chain} is left`);
    assert.ok(!nat.includes(chain.replace("CNI-", "CNI-DN-").slice(0, 28)), `port chain of ${id} is left`);
  }
  const { stateDirectory, defaultBridge } = dependencies;
  const files = (directory: string) =>
    existsSync(directory) ? readdirSync(directory, { recursive: true, encoding: "utf8" }) : [];
  const left = [
    ...files(path.join(stateDirectory, "networks/results")).filter((name) => name.endsWith("json")),
    ...files(path.join(stateDirectory, "networks/ipam")).filter((name) => /\/\d+(\.\d+){3}$/.test(name)),
  ];
  assert.deepEqual(left, []);
  const members = `/sys/class/net/${defaultBridge.name}/brif`;
  const deadline = Date.now() + 5000;
  // The kernel takes the interfaces of a namespace away some time after it.
  while (existsSync(members) && readdirSync(members).length > 0) {
    assert.ok(
      Date.now() < deadline,
      `interfaces are left on ${defaultBridge.name}: ${readdirSync(members).join(", ")}`,
    );
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function natRules(): string {
  return execFileSync("iptables", ["-w", "-t", "nat", "-S"], { encoding: "utf8" });
}

const conflistOf = ({ dependencies }: CniHarness) =>
  path.join(dependencies.configurationDirectory, "10-berth.conflist");

networkContract("network/cni", open);

test("the default network is written once and never overwritten", async (t) => {
  const harness = await open(t);
  const file = conflistOf(harness);
  const changed = readFileSync(file, "utf8").replace(harness.bridge, `${harness.bridge}x`);
  writeFileSync(file, changed);
  await harness.reopen();
  assert.equal(readFileSync(file, "utf8"), changed);
  rmSync(file);
  writeFileSync(path.join(path.dirname(file), "99-mine.conf"), '{"cniVersion":"0.4.0","name":"mine","type":"ptp"}');
  const driver = await harness.reopen();
  assert.deepEqual(await driver.list(), [{ name: "mine", driver: "ptp", subnets: [] }]);
});

for (const failpoint of ["network/cni/intent", "network/cni/added"]) {
  test(`an attachment that the daemon did not survive is taken away by the next one (at ${failpoint})`, async (t) => {
    const harness = await open(t);
    const namespace = makeNamespace(t);
    const request = requestFor(namespace, harness.network, { ports: [tcp(await freePort())] });
    // A daemon that is killed never comes back from here.
    const { promise: reached, resolve } = Promise.withResolvers<void>();
    using _armed = armFailpoint(failpoint, () => {
      resolve();
      return new Promise<void>(() => {});
    });
    void harness.driver.attach(request, { signal }).catch(assert.fail);
    await reached;
    const driver = await harness.reopen();
    await driver.detach(request.sandboxId, harness.network, { signal });
    assert.throws(() => namespace.run("ip", "link", "show", "dev", "eth0"));
  });
}

test("a sandbox has several networks at once, each with its interface", async (t) => {
  const harness = await open(t);
  const namespace = makeNamespace(t);
  const other = JSON.stringify({
    cniVersion: "1.0.0",
    name: "other",
    plugins: [
      {
        type: "ptp",
        ipam: {
          type: "host-local",
          dataDir: path.join(harness.root, "other"),
          ranges: [[{ subnet: "10.99.77.0/24" }]],
        },
      },
    ],
  });
  writeFileSync(path.join(path.dirname(conflistOf(harness)), "20-other.conflist"), other);
  const request = requestFor(namespace, "berth");
  await harness.driver.attach(request, { signal });
  const second = { ...request, network: "other", interfaceName: "eth1" };
  const attachment = await harness.driver.attach(second, { signal });
  assert.match(attachment.addresses[0]?.address ?? "", /^10\.99\.77\./);
  await harness.driver.detach(request.sandboxId, "berth", { signal });
  await harness.driver.check(request.sandboxId, "other", { signal });
  namespace.run("ip", "link", "show", "dev", "eth1");
  const withPort = { ...second, ports: [tcp(await freePort())] };
  await assert.rejects(harness.driver.attach(withPort, { signal }), /network other cannot publish ports/);
});

test("a full subnet is resource-exhausted and names the network", async (t) => {
  const harness = await open(t);
  const file = conflistOf(harness);
  writeFileSync(file, readFileSync(file, "utf8").replace("0/24", "0/30"));
  await harness.driver.attach(requestFor(makeNamespace(t), "berth"), { signal });
  await assert.rejects(harness.driver.attach(requestFor(makeNamespace(t), "berth"), { signal }), (error: Error) => {
    assert.match(error.message, /^network berth: CNI plugin bridge at ADD: .*no IP addresses available/);
    return hasCode(error, "resource-exhausted");
  });
});

test("without the plugins the error says how to get them", async (t) => {
  const harness = await open(t);
  const driver = await openCniNetworkDriver({ ...harness.dependencies, pluginDirectories: ["/nowhere"] });
  for (const call of [
    driver.status("berth", { signal }),
    driver.attach(requestFor(makeNamespace(t), "berth"), { signal }),
  ]) {
    await assert.rejects(call, (error: Error) => {
      assert.match(
        error.message,
        /CNI plugin bridge not found in \/nowhere: .*apt-get install containernetworking-plugins/,
      );
      return hasCode(error, "unavailable");
    });
  }
});

test("a container reaches its own published port, and another's, through the host", async (t) => {
  const { driver, network } = await open(t);
  const [server, client] = [makeNamespace(t), makeNamespace(t)];
  serveHttp(server, import.meta.dirname);
  const port = await freePort();
  const attachment = await driver.attach(requestFor(server, network, { ports: [tcp(port)] }), { signal });
  await driver.attach(requestFor(client, network), { signal });
  await fetchText(`http://127.0.0.1:${port}/masquerade.ts`);
  const url = `http://${attachment.addresses[0]?.gateway}:${port}/masquerade.ts`;
  for (const namespace of [client, server]) {
    const script = `process.stdout.write(await (await fetch("${url}")).text())`;
    assert.match(namespace.run(process.execPath, "--input-type=module", "-e", script), /SPDX/);
  }
});
