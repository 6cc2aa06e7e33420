// SPDX-License-Identifier: Apache-2.0
// Against small servers that do what a well-behaved registry never does.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { test } from "node:test";
import { isEngineError } from "../../../base/errors.ts";
import { silentLogger } from "../../../base/log.ts";
import type { Registry } from "../../../core/transfer/registry.ts";
import { mediaTypes } from "../../../oci/image/descriptor.ts";
import { parseReference } from "../../../oci/reference/reference.ts";
import { createHttpRegistry, type HttpRegistryOptions } from "./http-registry.ts";
import { startFakeServer } from "./testing/fake-server.ts";
import { blobOf, collect, imageOf, piecesOf } from "./testing/sample-image.ts";

const signal = new AbortController().signal;
const patience = { attempts: 3, firstPauseMs: 1, longestPauseMs: 50 };
const blob = blobOf(randomBytes(100_000));
const { manifest } = imageOf([blob]);
const digest = manifest.descriptor.digest;

function registryWith(options: Partial<HttpRegistryOptions> = {}): Registry {
  return createHttpRegistry({ log: silentLogger, userAgent: "berth/test", retry: patience, ...options });
}

function sendManifest(
  response: ServerResponse,
  bytes: Uint8Array = manifest.bytes,
  type: string = mediaTypes.ociManifest,
) {
  response.writeHead(200, { "content-type": type, "content-length": bytes.byteLength }).end(bytes);
}

/** The first byte that a Range header asks for. */
function rangeOf(request: IncomingMessage): number | undefined {
  const match = /^bytes=(\d+)-$/.exec(request.headers.range ?? "");
  return match === null ? undefined : Number(match[1]);
}

/** Sends the start of the body and drops the connection. */
function breakAfter(response: ServerResponse, bytes: Uint8Array, length: number) {
  response.write(bytes.subarray(0, length), () => response.destroy());
}

test("a blob goes on where the connection broke, with a range for the rest", async () => {
  await using server = await startFakeServer((request, response) => {
    const start = rangeOf(request) ?? 0;
    const range = { "content-range": `bytes ${start}-${blob.bytes.length - 1}/${blob.bytes.length}` };
    response.writeHead(start === 0 ? 200 : 206, {
      "content-length": blob.bytes.length - start,
      ...(start > 0 && range),
    });
    breakAfter(response, blob.bytes.subarray(start), 30_000);
  });
  await using registry = registryWith();
  const reference = parseReference(`${server.host}/app`);
  assert.deepEqual(await collect(registry.openBlob(reference, blob.descriptor, { signal })), blob.bytes);
  assert.deepEqual(
    server.seen.map((request) => request.headers.range),
    [undefined, "bytes=30000-", "bytes=60000-", "bytes=90000-"],
  );
});

test("a server that ignores ranges, or answers another one, is read from the start without doubling bytes", async () => {
  for (const answer of ["ignore", "wrong", "unsatisfiable"]) {
    let connections = 0;
    await using server = await startFakeServer((request, response) => {
      const isRanged = rangeOf(request) !== undefined;
      if (isRanged && answer === "unsatisfiable") return void response.writeHead(416).end();
      if (isRanged && answer === "wrong") {
        return void response.writeHead(206, { "content-range": "bytes 0-99999/100000" }).end(blob.bytes);
      }
      response.writeHead(200, { "content-length": blob.bytes.length });
      if (connections++ === 0) breakAfter(response, blob.bytes, 30_000);
      else response.end(blob.bytes);
    });
    await using registry = registryWith();
    const reference = parseReference(`${server.host}/app`);
    assert.deepEqual(await collect(registry.openBlob(reference, blob.descriptor, { signal })), blob.bytes, answer);
  }
});

test("a blob that never gets on is given up as unavailable", async () => {
  await using server = await startFakeServer((_request, response) => {
    response.writeHead(200, { "content-length": blob.bytes.length });
    response.write("", () => response.destroy());
  });
  await using registry = registryWith();
  await assert.rejects(collect(registry.openBlob(parseReference(`${server.host}/app`), blob.descriptor, { signal })), {
    code: "unavailable",
  });
  assert.equal(server.seen.length, patience.attempts);
});

test("a stalled blob counts as a broken connection", async () => {
  let connections = 0;
  await using server = await startFakeServer((request, response) => {
    const start = rangeOf(request) ?? 0;
    const range = { "content-range": `bytes ${start}-99999/100000` };
    response.writeHead(start === 0 ? 200 : 206, {
      "content-length": blob.bytes.length - start,
      ...(start > 0 && range),
    });
    if (connections++ === 0) response.write(blob.bytes.subarray(0, 10));
    else response.end(blob.bytes.subarray(start));
  });
  await using registry = registryWith({ stallTimeoutMs: 300 });
  const reference = parseReference(`${server.host}/app`);
  assert.deepEqual(await collect(registry.openBlob(reference, blob.descriptor, { signal })), blob.bytes);
});

test("a blob of another size than the manifest says is data-loss at once", async () => {
  await using server = await startFakeServer((_request, response) => response.end(blob.bytes));
  await using registry = registryWith();
  const descriptor = { ...blob.descriptor, size: 99_999 };
  await assert.rejects(collect(registry.openBlob(parseReference(`${server.host}/app`), descriptor, { signal })), {
    code: "data-loss",
    message: /has (100000|more than 99999) bytes in the registry and 99999 in the manifest/,
  });
  assert.equal(server.seen.length, 1);
});

test("an aborted blob ends with the signal's reason", async () => {
  await using server = await startFakeServer((_request, response) => {
    response.writeHead(200, { "content-length": blob.bytes.length }).write("x");
  });
  await using registry = registryWith();
  const controller = new AbortController();
  const reading = (async () => {
    for await (const _chunk of registry.openBlob(parseReference(`${server.host}/app`), blob.descriptor, {
      signal: controller.signal,
    })) {
      controller.abort(new Error("enough"));
    }
  })();
  await assert.rejects(reading, /enough/);
});

test("429 is waited out as Retry-After says, 5xx with a pause, and another 4xx is final", async () => {
  const statuses = [429, 503];
  await using server = await startFakeServer((_request, response) => {
    const status = statuses.shift();
    if (status === undefined) sendManifest(response);
    else response.writeHead(status, status === 429 ? { "retry-after": "1" } : {}).end();
  });
  await using registry = registryWith({ retry: { ...patience, longestPauseMs: 5000 } });
  const started = performance.now();
  await registry.fetchManifest(parseReference(`${server.host}/app:v1`), { signal });
  assert.ok(performance.now() - started >= 950);
  await using stubborn = await startFakeServer((_request, response) => response.writeHead(418).end());
  await assert.rejects(registry.fetchManifest(parseReference(`${stubborn.host}/app:v1`), { signal }), {
    code: "failed-precondition",
  });
  assert.equal(stubborn.seen.length, 1);
});

test("a registry that stays busy is resource-exhausted, one that stays broken or away is unavailable", async () => {
  for (const [status, code] of [
    [429, "resource-exhausted"],
    [502, "unavailable"],
  ] as const) {
    await using server = await startFakeServer((_request, response) => response.writeHead(status).end("<html>"));
    await using registry = registryWith();
    const fetching = registry.fetchManifest(parseReference(`${server.host}/app:v1`), { signal });
    await assert.rejects(fetching, {
      code,
      message: new RegExp(`^registry ${server.host}: unexpected status ${status} \\w+`),
    });
    assert.equal(server.seen.length, patience.attempts);
  }
  await using registry = registryWith();
  await assert.rejects(registry.resolve(parseReference("127.0.0.1:1/app"), { signal }), {
    code: "unavailable",
    message: "registry 127.0.0.1:1: connection refused",
  });
});

test("credentials do not follow a redirect to another host", async () => {
  await using elsewhere = await startFakeServer((_request, response) => response.end(blob.bytes));
  await using server = await startFakeServer((request, response) => {
    if (request.headers.authorization === undefined) {
      return void response.writeHead(401, { "www-authenticate": 'Basic realm="x"' }).end();
    }
    response.writeHead(307, { location: `http://${elsewhere.host}/store?signature=1` }).end();
  });
  await using registry = registryWith();
  const credentials = { username: "u", password: "p" };
  const reference = parseReference(`${server.host}/app`);
  assert.deepEqual(await collect(registry.openBlob(reference, blob.descriptor, { credentials, signal })), blob.bytes);
  assert.equal(server.seen.at(-1)?.headers.authorization, "Basic dTpw");
  assert.equal(elsewhere.seen[0]?.url, "/store?signature=1");
  assert.equal(elsewhere.seen[0]?.headers.authorization, undefined);
});

test("a redirect to something that is not http, or without end, is refused", async () => {
  for (const location of ["file:///etc/passwd", "/v2/again"]) {
    await using server = await startFakeServer((_request, response) => response.writeHead(302, { location }).end());
    await using registry = registryWith();
    await assert.rejects(
      collect(registry.openBlob(parseReference(`${server.host}/app`), blob.descriptor, { signal })),
      {
        code: "failed-precondition",
        message: /redirects/,
      },
    );
    assert.ok(server.seen.length <= 11);
  }
});

interface TokenRegistry {
  readonly realm?: (host: string) => string;
  readonly challengeScope?: string;
  readonly token?: (request: IncomingMessage, body: string) => object | undefined;
}

/** A registry that wants the token "good" and, unless told otherwise, is its own token service. */
async function startTokenRegistry(options: TokenRegistry = {}) {
  const bodies: string[] = [];
  const server = await startFakeServer((request, response) => {
    if (request.url?.startsWith("/token") === true) {
      let body = "";
      request.on("data", (chunk) => (body += String(chunk)));
      request.on("end", () => {
        bodies.push(body);
        const answer = options.token === undefined ? { token: "good" } : options.token(request, body);
        if (answer === undefined) response.writeHead(401).end('{"details":"incorrect username or password"}');
        else response.end(JSON.stringify(answer));
      });
      return;
    }
    if (request.headers.authorization === "Bearer good")
      return request.url === "/v2/" ? void response.end() : sendManifest(response);
    const host = request.headers.host ?? "";
    const realm = options.realm?.(host) ?? `http://${host}/token`;
    const scope = options.challengeScope ?? "repository:app:pull";
    const challenge = `Bearer realm="${realm}",service="test registry",scope="${scope}"`;
    response.writeHead(401, { "www-authenticate": challenge }).end('{"errors":[{"code":"UNAUTHORIZED"}]}');
  });
  const tokenRequests = () => server.seen.filter((request) => request.url.startsWith("/token"));
  return { server, tokenRequests, bodies, [Symbol.asyncDispose]: async () => await server[Symbol.asyncDispose]() };
}

test("a token is fetched once for a scope and a user, with the operation's own scope", async () => {
  await using fake = await startTokenRegistry({
    challengeScope: "repository:app:pull,push,delete repository:other:pull",
  });
  await using registry = registryWith();
  const reference = parseReference(`${fake.server.host}/app:v1`);
  await Promise.all([1, 2, 3].map(async () => await registry.fetchManifest(reference, { signal })));
  await registry.fetchManifest(reference, { signal });
  const before = fake.tokenRequests().length;
  const url = new URL(`http://x${fake.tokenRequests()[0]?.url}`);
  assert.deepEqual(url.searchParams.getAll("scope"), ["repository:app:pull"]);
  assert.equal(url.searchParams.get("service"), "test registry");
  assert.equal(fake.tokenRequests()[0]?.headers.authorization, undefined);
  const credentials = { username: "u", password: "p" };
  await registry.fetchManifest(reference, { credentials, signal });
  await registry.fetchManifest(reference, { credentials, signal });
  assert.equal(fake.tokenRequests().length, before + 1);
  assert.equal(fake.tokenRequests().at(-1)?.headers.authorization, "Basic dTpw");
});

test("a token that was refused is fetched again once", async () => {
  let issued = 0;
  await using fake = await startTokenRegistry({
    token: () => ({ access_token: issued++ === 0 ? "stale" : "good", expires_in: 300 }),
  });
  await using registry = registryWith();
  const reference = parseReference(`${fake.server.host}/app:v1`);
  await assert.rejects(registry.fetchManifest(reference, { signal }), { code: "unauthenticated" });
  await registry.fetchManifest(reference, { signal });
  assert.equal(issued, 2);
});

test("a busy token service is asked again", async () => {
  let requests = 0;
  await using service = await startFakeServer((request, response) => {
    if (request.url?.startsWith("/token") === true) {
      if (requests++ === 0) response.writeHead(503).end();
      else response.end('{"token":"good"}');
    } else if (request.headers.authorization === "Bearer good") sendManifest(response);
    else response.writeHead(401, { "www-authenticate": `Bearer realm="http://${request.headers.host}/token"` }).end();
  });
  await using registry = registryWith();
  await registry.fetchManifest(parseReference(`${service.host}/app:v1`), { signal });
  assert.equal(requests, 2);
});

test("an identity token is exchanged by POST and kept out of URLs", async () => {
  await using fake = await startTokenRegistry();
  await using registry = registryWith();
  const credentials = { identityToken: "refresh-me" };
  await registry.fetchManifest(parseReference(`${fake.server.host}/app:v1`), { credentials, signal });
  const form = new URLSearchParams(fake.bodies[0]);
  assert.equal(form.get("grant_type"), "refresh_token");
  assert.equal(form.get("refresh_token"), "refresh-me");
  assert.equal(form.get("scope"), "repository:app:pull");
  assert.ok(!fake.server.seen.some((request) => request.url.includes("refresh-me")));
});

test("a token service that refuses the user is unauthenticated, in Docker's words", async () => {
  await using fake = await startTokenRegistry({ token: () => undefined });
  await using registry = registryWith();
  const options = { credentials: { username: "u", password: "wrong" }, signal };
  await assert.rejects(registry.fetchManifest(parseReference(`${fake.server.host}/app:v1`), options), (error) => {
    assert.ok(isEngineError(error));
    assert.match(
      error.message,
      /^pull access denied for .*\/app, repository does not exist or may require authorization/,
    );
    assert.doesNotMatch(error.message, /wrong/);
    return error.code === "unauthenticated";
  });
});

test("no token is asked for over plain http on another host", async () => {
  await using thief = await startFakeServer((_request, response) => response.end('{"token":"good"}'));
  await using fake = await startTokenRegistry({ realm: () => `http://localhost:${thief.port}/token` });
  await using registry = registryWith();
  const options = { credentials: { username: "u", password: "p" }, signal };
  await assert.rejects(registry.fetchManifest(parseReference(`${fake.server.host}/app:v1`), options), {
    code: "unauthenticated",
    message: /not secured by https/,
  });
  assert.equal(thief.seen.length, 0);
});

test("login hands out the identity token that the service offers", async () => {
  await using fake = await startTokenRegistry({ token: () => ({ token: "good", refresh_token: "keep-me" }) });
  await using registry = registryWith();
  const answer = await registry.login(fake.server.host, { username: "u", password: "p" }, { signal });
  assert.deepEqual(answer, { identityToken: "keep-me" });
});

test("a manifest of another digest, another type, or over the limit is refused", async () => {
  const answers: readonly (readonly [body: Uint8Array, type: string, code: string])[] = [
    [new TextEncoder().encode(`${Buffer.from(manifest.bytes).toString()} `), mediaTypes.ociManifest, "data-loss"],
    [manifest.bytes, mediaTypes.dockerManifest, "failed-precondition"],
    [new Uint8Array(5 * 1024 * 1024).fill(0x20), mediaTypes.ociManifest, "resource-exhausted"],
  ];
  for (const [body, type, code] of answers) {
    await using server = await startFakeServer((_request, response) => sendManifest(response, body, type));
    await using registry = registryWith();
    const reference = { ...parseReference(`${server.host}/app`), digest };
    await assert.rejects(registry.fetchManifest(reference, { signal }), { code });
  }
});

test("an upload that breaks starts over, and its location may not leave for plain http elsewhere", async () => {
  let uploads = 0;
  await using server = await startFakeServer((request, response) => {
    if (request.method === "HEAD") return void response.writeHead(404).end();
    if (request.method === "POST")
      return void response.writeHead(202, { location: `/upload/${uploads}?state=a%2Fb` }).end();
    if (uploads++ === 0) return void request.once("data", () => request.destroy());
    let size = 0;
    request.on("data", (chunk: Buffer) => (size += chunk.length));
    request.on("end", () => response.writeHead(size === blob.bytes.length ? 201 : 400).end());
  });
  await using registry = registryWith();
  const pushed = await registry.pushBlob(
    parseReference(`${server.host}/app`),
    blob.descriptor,
    () => piecesOf(blob.bytes),
    { signal },
  );
  assert.deepEqual(pushed, { kind: "pushed" });
  assert.equal(server.seen.at(-1)?.url, `/upload/1?state=a%2Fb&digest=${encodeURIComponent(blob.descriptor.digest)}`);
});

test("plain http to a host that is configured for it goes through the proxy, without a tunnel", async () => {
  await using proxy = await startFakeServer((_request, response) => sendManifest(response));
  const environment = { HTTP_PROXY: `http://${proxy.host}`, NO_PROXY: "other.invalid" };
  await using registry = registryWith({ plainHttp: ["registry.invalid:5000", "other.invalid"], environment });
  await registry.fetchManifest(parseReference("registry.invalid:5000/app:v1"), { signal });
  assert.equal(proxy.seen[0]?.url, "http://registry.invalid:5000/v2/app/manifests/v1");
  await assert.rejects(registry.fetchManifest(parseReference("other.invalid/app:v1"), { signal }), {
    message: /^registry other\.invalid: (no such host|name resolution failed)/,
  });
  assert.equal(proxy.seen.length, 1);
});
