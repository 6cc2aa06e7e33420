// SPDX-License-Identifier: Apache-2.0
// Against Debian's docker-registry: what real registries do.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { isEngineError, messageOf } from "../../../base/errors.ts";
import { silentLogger } from "../../../base/log.ts";
import type { Registry } from "../../../core/transfer/registry.ts";
import { mediaTypes } from "../../../oci/image/descriptor.ts";
import { parseReference, withDefaultTag } from "../../../oci/reference/reference.ts";
import { createHttpRegistry, type HttpRegistryOptions } from "./http-registry.ts";
import { startDockerRegistry, testUser } from "./testing/docker-registry.ts";
import { blobOf, collect, imageOf, jsonBlob, piecesOf } from "./testing/sample-image.ts";

const signal = new AbortController().signal;
const patience = { attempts: 3, firstPauseMs: 5, longestPauseMs: 50 };

function registryWith(options: Partial<HttpRegistryOptions> = {}): Registry {
  return createHttpRegistry({ log: silentLogger, userAgent: "berth/test", retry: patience, ...options });
}

async function temporaryDirectory() {
  const directory = await mkdtemp(path.join(tmpdir(), "berth-hosts-"));
  return { directory, [Symbol.asyncDispose]: async () => await rm(directory, { recursive: true, force: true }) };
}

async function pushImage(registry: Registry, name: string, options: Parameters<Registry["resolve"]>[1]) {
  const reference = withDefaultTag(parseReference(name));
  const layer = blobOf(randomBytes(300_000));
  const { config, manifest } = imageOf([layer]);
  for (const blob of [layer, config]) {
    await registry.pushBlob(reference, blob.descriptor, () => piecesOf(blob.bytes), options);
  }
  await registry.pushManifest(reference, manifest, options);
  return { reference, layer, config, manifest };
}

test("what is pushed comes back, by tag and by digest, whole and from the middle", async () => {
  await using server = await startDockerRegistry();
  await using registry = registryWith();
  const { reference, layer, manifest } = await pushImage(registry, `${server.domain}/team/app:v1`, { signal });
  assert.deepEqual(await registry.resolve(reference, { signal }), manifest.descriptor);
  const { digest } = manifest.descriptor;
  for (const named of [reference, { ...reference, tag: "gone", digest }]) {
    const fetched = await registry.fetchManifest(named, { signal });
    assert.deepEqual(fetched.descriptor, manifest.descriptor);
    assert.deepEqual(Buffer.from(fetched.bytes), Buffer.from(manifest.bytes));
  }
  assert.deepEqual(await collect(registry.openBlob(reference, layer.descriptor, { signal })), layer.bytes);
  const tail = await collect(registry.openBlob(reference, layer.descriptor, { offset: 299_990, signal }));
  assert.deepEqual(tail, layer.bytes.subarray(299_990));
  assert.equal((await collect(registry.openBlob(reference, layer.descriptor, { offset: 300_000, signal }))).length, 0);
});

test("an index is pushed and fetched as what it is", async () => {
  await using server = await startDockerRegistry();
  await using registry = registryWith();
  const { reference, manifest } = await pushImage(registry, `${server.domain}/app:amd64`, { signal });
  await registry.pushManifest({ domain: reference.domain, path: reference.path }, manifest, { signal });
  const entry = { ...manifest.descriptor, platform: { os: "linux", architecture: "amd64" } };
  const index = jsonBlob({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [entry] }, mediaTypes.ociIndex);
  await registry.pushManifest({ ...reference, tag: "all" }, index, { signal });
  assert.equal((await registry.resolve({ ...reference, tag: "all" }, { signal })).mediaType, mediaTypes.ociIndex);
});

test("a blob that is there is not sent again, and one of another repository is mounted", async () => {
  await using server = await startDockerRegistry();
  await using registry = registryWith();
  const { reference, layer } = await pushImage(registry, `${server.domain}/first`, { signal });
  const mustNotOpen = (): AsyncIterable<Uint8Array> => assert.fail("the blob was sent again");
  assert.deepEqual(await registry.pushBlob(reference, layer.descriptor, mustNotOpen, { signal }), { kind: "exists" });
  const other = parseReference(`${server.domain}/second`);
  assert.equal(await registry.hasBlob(other, layer.descriptor, { signal }), false);
  const mounted = await registry.pushBlob(other, layer.descriptor, mustNotOpen, { mountFrom: ["first"], signal });
  assert.deepEqual(mounted, { kind: "mounted", from: "first" });
  assert.equal(await registry.hasBlob(other, layer.descriptor, { signal }), true);
});

test("a mount of what the other repository lacks becomes an upload with its progress", async () => {
  await using server = await startDockerRegistry();
  await using registry = registryWith();
  const blob = blobOf(randomBytes(200_000));
  const progress: number[] = [];
  const pushed = await registry.pushBlob(
    parseReference(`${server.domain}/a`),
    blob.descriptor,
    () => piecesOf(blob.bytes),
    {
      mountFrom: ["b"],
      onProgress: (bytes) => progress.push(bytes),
      signal,
    },
  );
  assert.deepEqual(pushed, { kind: "pushed" });
  assert.equal(progress.at(-1), 200_000);
});

test("an unknown image and an unknown tag are not-found by name", async () => {
  await using server = await startDockerRegistry();
  await using registry = registryWith();
  await pushImage(registry, `${server.domain}/app:v1`, { signal });
  for (const name of ["app:v2", "nothing:latest"]) {
    await assert.rejects(registry.resolve(parseReference(`${server.domain}/${name}`), { signal }), (error) => {
      assert.ok(isEngineError(error));
      assert.equal(error.code, "not-found");
      assert.match(
        error.message,
        new RegExp(`^manifest for ${server.domain}/${name} not found: (manifest|name) unknown`),
      );
      return true;
    });
  }
});

test("a registry with users lets the right one in and says who may not", async () => {
  await using server = await startDockerRegistry({ auth: true });
  await using registry = registryWith();
  const credentials = testUser;
  assert.deepEqual(await registry.login(server.domain, credentials, { signal }), {});
  const { reference } = await pushImage(registry, `${server.domain}/private/app`, { credentials, signal });
  await registry.resolve(reference, { credentials, signal });
  for (const wrong of [undefined, { ...testUser, password: "wrong" }]) {
    const options = { signal, ...(wrong !== undefined && { credentials: wrong }) };
    await assert.rejects(registry.resolve(reference, options), {
      code: "unauthenticated",
      message:
        /^pull access denied for localhost:\d+\/private\/app, repository does not exist or may require authorization/,
    });
  }
  await assert.rejects(registry.login(server.domain, { ...testUser, password: "wrong" }, { signal }), {
    code: "unauthenticated",
    message: /^login to localhost:\d+ failed: incorrect username or password/,
  });
});

test("a private authority works from hosts.toml and as ca.crt, and without it the error names the way out", async () => {
  await using server = await startDockerRegistry({ tls: true });
  await using configuration = await temporaryDirectory();
  const own = path.join(configuration.directory, server.domain);
  await using registry = registryWith({ configPaths: [configuration.directory] });
  const reference = withDefaultTag(parseReference(`${server.domain}/app`));
  await assert.rejects(registry.resolve(reference, { signal }), (error) => {
    assert.match(
      messageOf(error),
      /^registry localhost:\d+: its certificate is not trusted \(.+\): name its authority as ca in hosts\.toml/,
    );
    return isEngineError(error) && error.code === "unavailable";
  });
  await mkdir(own);
  await writeFile(path.join(own, "ca.crt"), server.authority);
  await pushImage(registry, `${server.domain}/app`, { signal });
  await rm(path.join(own, "ca.crt"));
  await writeFile(path.join(own, "authority.pem"), server.authority);
  await writeFile(path.join(own, "hosts.toml"), `server = "https://${server.domain}"\nca = "authority.pem"\n`);
  await registry.resolve(reference, { signal });
  await writeFile(path.join(own, "hosts.toml"), `server = "https://${server.domain}"\nskip_verify = true\n`);
  await registry.resolve(reference, { signal });
});

test("the registry's own host section in hosts.toml has its authority, its credentials and its pushes", async () => {
  await using server = await startDockerRegistry({ tls: true, auth: true });
  await using configuration = await temporaryDirectory();
  const own = path.join(configuration.directory, server.domain);
  await mkdir(own);
  await writeFile(path.join(own, "ca.pem"), server.authority);
  const url = `https://${server.domain}`;
  await writeFile(path.join(own, "hosts.toml"), `server = "${url}"\n[host."${url}"]\nca = "ca.pem"\n`);
  await using registry = registryWith({ configPaths: [configuration.directory] });
  const credentials = testUser;
  const { reference, layer } = await pushImage(registry, `${server.domain}/app`, { credentials, signal });
  const bytes = await collect(registry.openBlob(reference, layer.descriptor, { credentials, signal }));
  assert.deepEqual(bytes, layer.bytes);
  await registry.login(`https://${server.domain}/v1/`, credentials, { signal });
});

test("a mirror answers for another registry, and the server stands in where it cannot", async () => {
  await using mirror = await startDockerRegistry();
  await using origin = await startDockerRegistry();
  await using configuration = await temporaryDirectory();
  await using plain = registryWith();
  const { manifest, layer } = await pushImage(plain, `${mirror.domain}/library/app:v1`, { signal });
  const other = await pushImage(plain, `${origin.domain}/library/other:v1`, { signal });
  const own = path.join(configuration.directory, "docker.io");
  await mkdir(own);
  const text = `server = "http://${origin.domain}"
[host."http://127.0.0.1:1"]
[host."http://${mirror.domain}"]
  capabilities = ["pull", "resolve"]
`;
  await writeFile(path.join(own, "hosts.toml"), text);
  await using registry = registryWith({ configPaths: [configuration.directory] });
  const credentials = testUser;
  assert.deepEqual(await registry.resolve(parseReference("app:v1"), { credentials, signal }), manifest.descriptor);
  assert.deepEqual(
    await collect(registry.openBlob(parseReference("app:v1"), layer.descriptor, { signal })),
    layer.bytes,
  );
  assert.deepEqual(await registry.resolve(parseReference("other:v1"), { signal }), other.manifest.descriptor);
});
