// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { messageOf } from "../../../base/errors.ts";
import { loadHostsConfig } from "./hosts-config.ts";

async function configPath(files: Readonly<Record<string, string>>) {
  const directory = await mkdtemp(path.join(tmpdir(), "berth-hosts-"));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(directory, name)), { recursive: true });
    await writeFile(path.join(directory, name), text);
  }
  return { directory, [Symbol.asyncDispose]: async () => await rm(directory, { recursive: true, force: true }) };
}

test("hosts.toml gives mirrors in their order and the server", async () => {
  const text = `
server = "https://registry-1.docker.io"
[host."https://mirror.example:5000"]
  capabilities = ["pull", "resolve"]
  ca = "mirror.pem"
  client = [["client.pem", "client.key"]]
  dial_timeout = "1m1.5s"
  [host."https://mirror.example:5000".header]
    x-token = "one"
    x-list = ["a", "b"]
[host."http://cache/prefix"]
[host."https://harbor/v2/proxy"]
  override_path = true
  skip_verify = true
`;
  await using path = await configPath({
    "docker.io/hosts.toml": text,
    "docker.io/mirror.pem": "CA",
    "docker.io/client.pem": "CERT",
    "docker.io/client.key": "KEY",
  });
  const { listed: mirrors, server } = await loadHostsConfig([path.directory], "docker.io");
  assert.deepEqual(
    mirrors.map((mirror) => mirror.base.href),
    ["https://mirror.example:5000/v2", "http://cache/prefix/v2", "https://harbor/v2/proxy"],
  );
  assert.equal(server?.base.href, "https://registry-1.docker.io/v2");
  assert.equal(server?.isMirror, false);
  const [first, second, third] = mirrors;
  assert.deepEqual(first?.capabilities, ["pull", "resolve"]);
  assert.deepEqual(first?.tls, {
    authorities: ["CA"],
    clients: [{ certificate: "CERT", key: "KEY" }],
    skipVerify: false,
  });
  assert.deepEqual(first?.headers, { "x-token": ["one"], "x-list": ["a", "b"] });
  assert.equal(first?.dialTimeoutMs, 61_500);
  assert.deepEqual(second?.capabilities, ["pull", "resolve"]);
  assert.deepEqual(server?.capabilities, ["pull", "resolve", "push"]);
  assert.ok(mirrors.every(({ isMirror }) => isMirror));
  assert.equal(third?.tls.skipVerify, true);
});

test("a host section for the registry itself is no mirror and may be pushed to", async () => {
  const text = 'server = "https://own.example"\n[host."https://own.example"]\nskip_verify = true\n';
  await using path = await configPath({ "own.example/hosts.toml": text });
  const [own] = (await loadHostsConfig([path.directory], "own.example")).listed;
  assert.deepEqual([own?.isMirror, own?.tls.skipVerify], [false, true]);
  assert.deepEqual(own?.capabilities, ["pull", "resolve", "push"]);
});

test("the directory may encode the port, later paths and _default stand in, certificates do without hosts.toml", async () => {
  await using first = await configPath({ "a.example_5000_/hosts.toml": 'server = "https://encoded"' });
  await using second = await configPath({
    "a.example:5000/hosts.toml": 'server = "https://later"',
    "_default/hosts.toml": '[host."https://everywhere"]',
    "b.example/x.crt": "CA",
    "b.example/c.cert": "CERT",
    "b.example/c.key": "KEY",
  });
  const paths = [first.directory, "/nonexistent", second.directory];
  assert.equal((await loadHostsConfig(paths, "a.example:5000")).server?.base.host, "encoded");
  const other = await loadHostsConfig(paths, "c.example");
  assert.equal(other.listed[0]?.base.host, "everywhere");
  assert.equal(other.server, undefined);
  assert.deepEqual((await loadHostsConfig(paths, "b.example")).tls, {
    authorities: ["CA"],
    clients: [{ certificate: "CERT", key: "KEY" }],
    skipVerify: false,
  });
});

const wrong: readonly (readonly [text: string, message: RegExp])[] = [
  ["server = ", /hosts\.toml: /],
  ["server = 5", /server is not a text/],
  ['[host."ftp://x"]', /neither https nor http/],
  ['[host."https://u:secret@x"]', /credentials in its URL/],
  ['[host."https://x"]\ncapabilities = ["fly"]', /capabilities may be pull, resolve, push/],
  ['[host."https://x"]\nca = "absent.pem"', /absent\.pem/],
  ['[host."https://x"]\ndial_timeout = "soon"', /not a duration/],
  ['host = "x"', /host is not a table/],
];

for (const [text, message] of wrong) {
  test(`hosts.toml with ${JSON.stringify(text)} is an error that names the file`, async () => {
    await using path = await configPath({ "docker.io/hosts.toml": text });
    await assert.rejects(loadHostsConfig([path.directory], "docker.io"), (error) => {
      assert.match(messageOf(error), message);
      assert.match(messageOf(error), /docker\.io/);
      assert.doesNotMatch(messageOf(error), /secret/);
      return true;
    });
  });
}
