// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { hasCode } from "../../../base/errors.ts";
import type { NetworkAttachment } from "../../../core/networks/network-driver.ts";
import type { NetworkFilesRequest } from "../../../core/networks/network-files.ts";
import { LocalNetworkFiles } from "./local-network-files.ts";

const signal = new AbortController().signal;

function attachment(address: string, gateway: string): NetworkAttachment {
  return {
    network: "berth",
    interfaceName: "eth0",
    macAddress: "",
    addresses: [{ address, gateway }],
    ports: [],
    dns: { nameservers: [], search: [], options: [] },
  };
}

const request: NetworkFilesRequest = {
  sandboxId: "s1",
  hostname: "web",
  attachments: [attachment("10.88.0.2/16", "10.88.0.1")],
  hostNetwork: false,
  extraHosts: ["up:host-gateway"],
  dns: [],
  dnsSearch: [],
  dnsOptions: [],
};

function newFiles(t: TestContext, resolvConf = "nameserver 10.0.0.53\n") {
  const root = mkdtempSync(path.join(tmpdir(), "berth-network-files-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const hostFiles = {
    hosts: path.join(root, "host-hosts"),
    resolvConf: path.join(root, "host-resolv.conf"),
    resolvedUplink: path.join(root, "uplink"),
  };
  writeFileSync(hostFiles.hosts, "127.0.0.1 localhost machine\n");
  writeFileSync(hostFiles.resolvConf, resolvConf);
  writeFileSync(hostFiles.resolvedUplink, "nameserver 10.1.1.1\n");
  const directory = path.join(root, "sandboxes");
  return { files: new LocalNetworkFiles({ directory, hostFiles }), directory };
}

test("the files are there, for everybody to read", async (t) => {
  const { files, directory } = newFiles(t);
  const paths = await files.write(request, { signal });
  assert.deepEqual(paths, files.paths("s1"));
  const hosts = readFileSync(paths.hosts, "utf8");
  assert.ok(hosts.endsWith("10.88.0.1\tup\n10.88.0.2\tweb\n"), hosts);
  assert.equal(readFileSync(paths.resolvConf, "utf8"), "nameserver 10.0.0.53\n");
  assert.equal(readFileSync(paths.hostname, "utf8"), "web\n");
  for (const file of Object.values(paths)) assert.equal(statSync(file).mode & 0o777, 0o644);
  await files.remove("s1");
  assert.deepEqual(readdirSync(directory), []);
  await files.remove("s1");
});

test("writing again keeps the files that containers have mounted", async (t) => {
  const { files } = newFiles(t);
  const paths = await files.write(request, { signal });
  const inodes = Object.values(paths).map((file) => statSync(file).ino);
  const attachments = [...request.attachments, attachment("10.99.0.2/24", "10.99.0.1")];
  await files.write({ ...request, attachments }, { signal });
  assert.match(readFileSync(paths.hosts, "utf8"), /10\.88\.0\.2\tweb\n10\.99\.0\.2\tweb\n$/);
  await files.write({ ...request, attachments: [], extraHosts: [] }, { signal });
  assert.doesNotMatch(readFileSync(paths.hosts, "utf8"), /web/);
  assert.deepEqual(
    Object.values(paths).map((file) => statSync(file).ino),
    inodes,
  );
});

test("systemd-resolved's stub is followed to its nameservers, but not in the host's network", async (t) => {
  const { files } = newFiles(t, "nameserver 127.0.0.53\n");
  const paths = await files.write(request, { signal });
  assert.equal(readFileSync(paths.resolvConf, "utf8"), "nameserver 10.1.1.1\n");
  await files.write({ ...request, attachments: [], hostNetwork: true }, { signal });
  assert.equal(readFileSync(paths.resolvConf, "utf8"), "nameserver 127.0.0.53\n");
  assert.equal(readFileSync(paths.hosts, "utf8"), "127.0.0.1 localhost machine\n127.0.0.1\tup\n");
});

test("a bad extra host is invalid and nothing is written", async (t) => {
  const { files, directory } = newFiles(t);
  const bad = files.write({ ...request, extraHosts: ["nonsense"] }, { signal });
  await assert.rejects(bad, (error) => hasCode(error, "invalid-argument"));
  assert.ok(!existsSync(directory));
});
