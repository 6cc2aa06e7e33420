// SPDX-License-Identifier: Apache-2.0
// What plugins are told and in which order, with plugins that only write it down. No root needed.

import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { hasCode } from "../../../base/errors.ts";
import { silentLogger } from "../../../base/log.ts";
import type { AttachRequest } from "../../../core/networks/network-driver.ts";
import { openCniNetworkDriver } from "./cni-network-driver.ts";

const signal = AbortSignal.timeout(30_000);

interface Call {
  readonly verb: string;
  readonly plugin: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly configuration: Readonly<Record<string, unknown>>;
}

const script = `#!/bin/sh
me=$(basename "$0")
if [ "$CNI_COMMAND" = VERSION ]; then cat >/dev/null; cat "$0.versions"; exit 0; fi
printf '%s\\t%s\\t%s\\t%s\\t%s\\t%s\\t' "$CNI_COMMAND" "$me" "$CNI_CONTAINERID" "$CNI_NETNS" "$CNI_IFNAME" "$CNI_ARGS" >>"$(dirname "$0")/calls"
cat >>"$(dirname "$0")/calls"; echo >>"$(dirname "$0")/calls"
if [ -e "$0.hang.$CNI_COMMAND" ]; then sleep 60; fi
if [ -e "$0.fail.$CNI_COMMAND" ]; then cat "$0.fail.$CNI_COMMAND"; exit 1; fi
if [ "$CNI_COMMAND" = ADD ]; then cat "$0.result"; fi
`;

const request: AttachRequest = {
  sandboxId: "s1",
  network: "net",
  namespacePath: "/nowhere/netns",
  interfaceName: "eth0",
  hostname: "h",
  aliases: ["web"],
  ports: [],
};

async function open(t: TestContext, versions: readonly string[] = ["0.4.0", "1.0.0", "1.1.0"]) {
  const root = mkdtempSync(path.join(tmpdir(), "berth-cni-unit-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const bin = path.join(root, "bin");
  const configurationDirectory = path.join(root, "net.d");
  mkdirSync(bin);
  mkdirSync(configurationDirectory);
  for (const plugin of ["first", "second"]) {
    writeFileSync(path.join(bin, plugin), script, { mode: 0o755 });
    writeFileSync(path.join(bin, `${plugin}.versions`), JSON.stringify({ supportedVersions: versions }));
    const result = {
      cniVersion: "1.0.0",
      by: plugin,
      interfaces: [{ name: "veth" }, { name: "eth0", mac: "0a:00:00:00:00:01", sandbox: "/nowhere/netns" }],
      ips: [{ address: "10.0.0.2/24", gateway: "10.0.0.1", interface: 1 }],
      dns: { nameservers: ["10.0.0.1"], domain: "lan" },
    };
    writeFileSync(path.join(bin, `${plugin}.result`), JSON.stringify(result));
  }
  const conflist = path.join(configurationDirectory, "10-net.conflist");
  const plugins = [
    { type: "first", capabilities: { aliases: true }, own: 1 },
    { type: "second", capabilities: { portMappings: true, ips: true, mac: true } },
  ];
  writeFileSync(conflist, JSON.stringify({ cniVersion: "1.1.0", name: "net", plugins }));
  const dependencies = {
    configurationDirectory,
    podConfigurationDirectory: path.join(root, "pods"),
    defaultNetwork: "net",
    pluginDirectories: [path.join(root, "empty"), bin],
    stateDirectory: path.join(root, "state"),
    defaultBridge: { name: "unused", subnet: "10.0.0.0/24" },
    logger: silentLogger,
  };
  const calls = (): Call[] => {
    const file = path.join(bin, "calls");
    if (!existsSync(file)) return [];
    const lines = readFileSync(file, "utf8").trim().split("\n");
    rmSync(file);
    return lines.map((line) => {
      const [verb = "", plugin = "", id = "", netns = "", ifname = "", args = "", json = ""] = line.split("\t");
      return { verb, plugin, environment: { id, netns, ifname, args }, configuration: JSON.parse(json) };
    });
  };
  const order = () => calls().map(({ verb, plugin }) => `${verb} ${plugin}`);
  const record = path.join(root, "state/networks/results/net/s1-eth0.json");
  return { bin, conflist, calls, order, record, dependencies, driver: await openCniNetworkDriver(dependencies) };
}

test("ADD runs the chain with each result for the next, DEL runs it backwards with the last", async (t) => {
  const { driver, calls, record } = await open(t);
  const ports = [{ hostIp: "0.0.0.0", hostPort: 0, containerPort: 80, protocol: "sctp" as const }];
  const wish = { ports, address: "10.0.0.9/24", arguments: { K8S_POD_NAME: "pod" } };
  const attachment = await driver.attach({ ...request, ...wish }, { signal });
  const [first, second] = calls();
  assert.deepEqual(first?.environment, {
    id: "s1",
    netns: "/nowhere/netns",
    ifname: "eth0",
    args: "IgnoreUnknown=1;K8S_POD_NAME=pod",
  });
  assert.equal(first?.configuration["own"], 1);
  assert.equal(first?.configuration["cniVersion"], "1.1.0");
  assert.equal(first?.configuration["prevResult"], undefined);
  assert.deepEqual(first?.configuration["runtimeConfig"], { aliases: { net: ["web"] } });
  const hostPort = attachment.ports[0]?.hostPort;
  assert.deepEqual(second?.configuration["runtimeConfig"], {
    portMappings: [{ hostPort, containerPort: 80, protocol: "sctp" }],
    ips: ["10.0.0.9/24"],
  });
  assert.equal((second?.configuration["prevResult"] as { by?: string } | undefined)?.by, "first");
  assert.deepEqual(attachment.addresses, [{ address: "10.0.0.2/24", gateway: "10.0.0.1" }]);
  assert.equal(attachment.macAddress, "0a:00:00:00:00:01");
  assert.deepEqual(attachment.dns, { nameservers: ["10.0.0.1"], search: ["lan"], options: [] });
  assert.ok(existsSync(record));

  await driver.detach("s1", "net", { signal });
  const deletions = calls();
  assert.deepEqual(
    deletions.map(({ verb, plugin }) => `${verb} ${plugin}`),
    ["DEL second", "DEL first"],
  );
  for (const { configuration, environment } of deletions) {
    assert.equal((configuration["prevResult"] as { by?: string }).by, "second");
    assert.equal(environment["netns"], "", "the namespace is gone");
  }
  assert.ok(!existsSync(record));
});

test("a failed ADD is undone by every plugin, and the error names network, plugin and verb", async (t) => {
  const { driver, bin, order, record } = await open(t);
  writeFileSync(path.join(bin, "second.fail.ADD"), '{"cniVersion":"1.0.0","code":11,"msg":"busy","details":"later"}');
  await assert.rejects(driver.attach(request, { signal }), (error: Error) => {
    assert.equal(error.message, "network net: CNI plugin second at ADD: busy; later");
    return hasCode(error, "unavailable");
  });
  assert.deepEqual(order(), ["ADD first", "ADD second", "DEL second", "DEL first"]);
  assert.ok(!existsSync(record));
});

test("every plugin has its DEL when one fails, and the attachment stays known until all succeed", async (t) => {
  const { driver, bin, order, dependencies } = await open(t);
  await driver.attach(request, { signal });
  writeFileSync(path.join(bin, "second.fail.DEL"), "segmentation fault");
  await assert.rejects(driver.detach("s1", "net", { signal }), /second at DEL: segmentation fault/);
  assert.deepEqual(order().slice(2), ["DEL second", "DEL first"]);
  rmSync(path.join(bin, "second.fail.DEL"));
  rmSync(path.join(dependencies.configurationDirectory, "10-net.conflist"));
  const after = await openCniNetworkDriver(dependencies);
  await after.collectGarbage(new Set(), { signal });
  assert.deepEqual(order().slice(0, 2), ["DEL second", "DEL first"]);
});

test("a plugin that hangs is killed with the signal, and its ADD undone", async (t) => {
  const { driver, bin, order } = await open(t);
  await driver.status("net", { signal });
  writeFileSync(path.join(bin, "first.hang.ADD"), "");
  const controller = new AbortController();
  const attaching = assert.rejects(driver.attach(request, { signal: controller.signal }), /enough/);
  const deadline = Date.now() + 5000;
  const started = () =>
    existsSync(path.join(bin, "calls")) && /ADD.*\n/.test(readFileSync(path.join(bin, "calls"), "utf8"));
  while (!started()) {
    assert.ok(Date.now() < deadline);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const before = Date.now();
  controller.abort(new Error("enough"));
  await attaching;
  assert.ok(Date.now() - before < 5000, "nobody waited for the plugin");
  assert.deepEqual(order().slice(-3), ["ADD first", "DEL second", "DEL first"]);
});

test("STATUS and GC are for plugins that speak 1.1", async (t) => {
  const { driver, bin, calls } = await open(t);
  await driver.attach(request, { signal });
  calls();
  await driver.status("net", { signal });
  await driver.collectGarbage(new Set(["s1"]), { signal });
  const seen = calls();
  assert.deepEqual(
    seen.map(({ verb, plugin }) => `${verb} ${plugin}`),
    ["STATUS first", "STATUS second", "GC first", "GC second"],
  );
  assert.deepEqual(seen[2]?.configuration["cni.dev/valid-attachments"], [{ containerID: "s1", ifname: "eth0" }]);
  writeFileSync(path.join(bin, "second.fail.STATUS"), '{"code":50,"msg":"no agent"}');
  await assert.rejects(driver.status("net", { signal }), (error: Error) => {
    assert.equal(error.message, "network net: CNI plugin second at STATUS: no agent");
    return hasCode(error, "unavailable");
  });
});

test("a chain speaks the highest version that all of it knows", async (t) => {
  const { driver, calls } = await open(t, ["0.3.1", "0.4.0", "1.0.0"]);
  await driver.status("net", { signal });
  assert.deepEqual(calls(), [], "1.0.0 has no STATUS");
  await driver.attach(request, { signal });
  assert.deepEqual(
    calls().map(({ configuration }) => configuration["cniVersion"]),
    ["1.0.0", "1.0.0"],
  );
  const old = await open(t, ["0.1.0", "0.2.0"]);
  await assert.rejects(old.driver.attach(request, { signal }), /no CNI version between 0.3.0 and 1.1.0.*first \(0.1.0/);
});

test("CHECK asks every plugin, and what it misses is a failed precondition", async (t) => {
  const { driver, bin, order } = await open(t);
  await driver.attach(request, { signal });
  await driver.check("s1", "net", { signal });
  assert.deepEqual(order().slice(2), ["CHECK first", "CHECK second"]);
  writeFileSync(path.join(bin, "second.fail.CHECK"), '{"code":999,"msg":"no such rule"}');
  await assert.rejects(driver.check("s1", "net", { signal }), (error) => hasCode(error, "failed-precondition"));
});

test("broken configuration files are passed over, and named when the network is missed", async (t) => {
  const { driver, dependencies } = await open(t);
  writeFileSync(path.join(dependencies.configurationDirectory, "05-bad.conflist"), "{");
  writeFileSync(path.join(dependencies.configurationDirectory, "20-old.conf"), '{"name":"old","type":"first"}');
  assert.deepEqual(
    (await driver.list()).map(({ name }) => name),
    ["net", "old"],
  );
  await assert.rejects(
    driver.status("missing", { signal }),
    /network missing is not configured, and .*05-bad.conflist/,
  );
});

test("pods go to the first network that an orchestrator configured, or to the default one", async (t) => {
  const { driver, dependencies } = await open(t);
  assert.equal(await driver.podNetwork(), "net");
  const directory = dependencies.podConfigurationDirectory;
  mkdirSync(directory);
  writeFileSync(path.join(directory, "20-late.conf"), '{"name":"late","type":"first"}');
  writeFileSync(path.join(directory, "10-early.conf"), '{"name":"early","type":"first"}');
  writeFileSync(path.join(directory, "05-broken.conf"), "{");
  assert.equal(await driver.podNetwork(), "early");
  assert.deepEqual(
    (await driver.list()).map(({ name }) => name),
    ["net", "early", "late"],
  );
});

test("plugins are told of a sandbox whose record went with the last boot, and what they say then holds up nothing", async (t) => {
  const { bin, driver, calls } = await open(t);
  await driver.detach("lost", "net", { signal });
  assert.deepEqual(
    calls().map(({ verb, plugin, environment: { id, netns, ifname } }) => [verb, plugin, id, netns, ifname]),
    [
      ["DEL", "second", "lost", "", "eth0"],
      ["DEL", "first", "lost", "", "eth0"],
    ],
  );
  writeFileSync(path.join(bin, "first.fail.DEL"), "");
  await driver.detach("lost", "net", { signal });
  await driver.detach("lost", "no-such-network", { signal });
});
