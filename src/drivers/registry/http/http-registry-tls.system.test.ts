// SPDX-License-Identifier: Apache-2.0
// TLS between the registry client and servers of the test's own: client certificates, redirects, proxies. Needs openssl.

import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { silentLogger } from "../../../base/log.ts";
import { mediaTypes } from "../../../oci/image/descriptor.ts";
import { parseReference } from "../../../oci/reference/reference.ts";
import { createHttpRegistry } from "./http-registry.ts";
import { makeCertificates } from "./testing/docker-registry.ts";
import { startFakeServer } from "./testing/fake-server.ts";
import { blobOf, collect, imageOf } from "./testing/sample-image.ts";

const { signal } = new AbortController();
const blob = blobOf(new TextEncoder().encode("layer"));
const { manifest } = imageOf([blob]);

async function certificates() {
  const directory = await mkdtemp(path.join(tmpdir(), "berth-tls-"));
  await makeCertificates(directory);
  const read = async (name: string) => await readFile(path.join(directory, name), "utf8");
  return {
    directory,
    ca: await read("ca.crt"),
    cert: await read("server.crt"),
    key: await read("server.key"),
    /** Writes a registry's hosts.toml; the files of the authority can be named in it as ../<file>. */
    configure: async (domain: string, toml: string) => {
      await mkdir(path.join(directory, domain), { recursive: true });
      await writeFile(path.join(directory, domain, "hosts.toml"), toml);
    },
    [Symbol.asyncDispose]: async () => await rm(directory, { recursive: true, force: true }),
  };
}

function registryWith(configPath: string, environment: Readonly<Record<string, string>> = {}) {
  const retry = { attempts: 2, firstPauseMs: 1, longestPauseMs: 10 };
  return createHttpRegistry({
    log: silentLogger,
    userAgent: "berth/test",
    retry,
    configPaths: [configPath],
    environment,
  });
}

test("a client certificate opens the registry and is not shown to the host it redirects to", async () => {
  await using tls = await certificates();
  const shown: boolean[] = [];
  const options = { cert: tls.cert, key: tls.key, ca: tls.ca, requestCert: true, rejectUnauthorized: false };
  await using store = await startFakeServer((request, response) => {
    shown.push((request.socket as unknown as { readonly authorized: boolean }).authorized);
    response.end(blob.bytes);
  }, options);
  await using server = await startFakeServer((request, response) => {
    const { authorized } = request.socket as unknown as { readonly authorized: boolean };
    if (authorized) response.writeHead(307, { location: `https://${store.host}/blob` }).end();
    else response.writeHead(403).end();
  }, options);
  const reference = parseReference(`${server.host}/app`);
  await using registry = registryWith(tls.directory);
  await tls.configure(server.host, `server = "https://${server.host}"\nca = "../ca.crt"\n`);
  await assert.rejects(collect(registry.openBlob(reference, blob.descriptor, { signal })), {
    code: "permission-denied",
  });
  await tls.configure(
    server.host,
    `server = "https://${server.host}"\nca = "../ca.crt"\nclient = [["../server.crt", "../server.key"]]\n`,
  );
  assert.deepEqual(await collect(registry.openBlob(reference, blob.descriptor, { signal })), Buffer.from(blob.bytes));
  assert.deepEqual(shown, [false]);
});

test("a secured registry cannot lead to plain http, neither with a redirect nor for a token", async () => {
  await using tls = await certificates();
  await using plain = await startFakeServer((_request, response) => response.end(blob.bytes));
  await using server = await startFakeServer((request, response) => {
    if (request.url?.includes("/blobs/") === true) response.writeHead(307, { location: `http://${plain.host}/` }).end();
    else response.writeHead(401, { "www-authenticate": `Bearer realm="http://${plain.host}/token"` }).end();
  }, tls);
  await tls.configure(server.host, `server = "https://${server.host}"\nca = "../ca.crt"\n`);
  await using registry = registryWith(tls.directory);
  const reference = parseReference(`${server.host}/app:v1`);
  const options = { credentials: { username: "u", password: "p" }, signal };
  await assert.rejects(collect(registry.openBlob(reference, blob.descriptor, options)), {
    code: "failed-precondition",
    message: /redirects from https to plain http/,
  });
  await assert.rejects(registry.fetchManifest(reference, options), { message: /not secured by https/ });
  assert.equal(plain.seen.length, 0);
});

test("https goes through the proxy in a tunnel", async () => {
  await using tls = await certificates();
  await using server = await startFakeServer((_request, response) => {
    response.writeHead(200, { "content-type": mediaTypes.ociManifest }).end(manifest.bytes);
  }, tls);
  const targets: string[] = [];
  const proxy = createServer();
  proxy.on("connect", (request, socket) => {
    targets.push(request.url ?? "");
    const upstream = connect(server.port, "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      socket.pipe(upstream).pipe(socket);
    });
    for (const end of [socket, upstream]) end.on("error", () => upstream.destroy());
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  try {
    const { port } = proxy.address() as AddressInfo;
    await tls.configure("registry.invalid", 'server = "https://registry.invalid"\nskip_verify = true\n');
    await using registry = registryWith(tls.directory, { HTTPS_PROXY: `http://127.0.0.1:${port}` });
    const fetched = await registry.fetchManifest(parseReference("registry.invalid/app:v1"), { signal });
    assert.equal(fetched.descriptor.digest, manifest.descriptor.digest);
    assert.deepEqual(targets, ["registry.invalid:443"]);
  } finally {
    proxy.close();
  }
});

test("headers of hosts.toml go to their own host alone", async () => {
  await using tls = await certificates();
  await using store = await startFakeServer((_request, response) => response.end(blob.bytes));
  await using mirror = await startFakeServer((_request, response) => {
    response.writeHead(307, { location: `http://${store.host}/` }).end();
  });
  await tls.configure(
    "docker.io",
    `[host."http://${mirror.host}"]\n[host."http://${mirror.host}".header]\nx-key = "k"\n`,
  );
  await using registry = registryWith(tls.directory);
  const options = { credentials: { username: "u", password: "p" }, signal };
  await collect(registry.openBlob(parseReference("app"), blob.descriptor, options));
  assert.equal(mirror.seen[0]?.headers["x-key"], "k");
  assert.match(mirror.seen[0]?.url ?? "", /\?ns=docker\.io$/);
  assert.equal(store.seen[0]?.headers["x-key"], undefined);
  assert.ok([...mirror.seen, ...store.seen].every(({ headers }) => headers.authorization === undefined));
});

test("a mirror that asks for a password does not get the registry's, which does", async () => {
  await using tls = await certificates();
  const challenge = { "www-authenticate": 'Basic realm="x"' };
  await using mirror = await startFakeServer((_request, response) => response.writeHead(401, challenge).end());
  await using server = await startFakeServer((request, response) => {
    if (request.headers.authorization === undefined) response.writeHead(401, challenge).end();
    else response.end(blob.bytes);
  });
  await tls.configure("registry.invalid", `server = "http://${server.host}"\n[host."http://${mirror.host}"]\n`);
  await using registry = registryWith(tls.directory);
  const options = { credentials: { username: "u", password: "p" }, signal };
  const reference = parseReference("registry.invalid/app");
  assert.deepEqual(await collect(registry.openBlob(reference, blob.descriptor, options)), Buffer.from(blob.bytes));
  assert.ok(mirror.seen.length > 0 && mirror.seen.every(({ headers }) => headers.authorization === undefined));
  assert.equal(server.seen.at(-1)?.headers.authorization, "Basic dTpw");
});
