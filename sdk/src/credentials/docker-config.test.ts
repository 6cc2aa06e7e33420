// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { chmod, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { DockerConfig, defaultDockerConfigPath } from "./docker-config.ts";

async function temporaryConfig(content?: unknown) {
  const directory = await mkdtemp(path.join(tmpdir(), "berth-docker-config-"));
  const file = path.join(directory, "config.json");
  if (content !== undefined) await writeFile(file, typeof content === "string" ? content : JSON.stringify(content));
  return {
    directory,
    file,
    config: new DockerConfig(file),
    read: async () => JSON.parse(await readFile(file, "utf8")) as Record<string, unknown>,
    [Symbol.asyncDispose]: async () => await rm(directory, { recursive: true, force: true }),
  };
}

const encode = (text: string) => Buffer.from(text).toString("base64");

test("credentials are found as docker login wrote them", async () => {
  await using temporary = await temporaryConfig({
    auths: {
      "https://index.docker.io/v1/": { auth: encode("hub:a:b") },
      "localhost:5000": { auth: encode("me:pw"), identitytoken: "" },
      "https://old.example/v2/": { auth: encode("old:pw\0") },
      "token.example": { auth: encode("me:"), identitytoken: "refresh" },
      "empty.example": {},
    },
  });
  const { config } = temporary;
  assert.deepEqual(await config.get("docker.io"), { username: "hub", password: "a:b" });
  assert.deepEqual(await config.get("localhost:5000"), { username: "me", password: "pw" });
  assert.deepEqual(await config.get("old.example"), { username: "old", password: "pw" });
  assert.deepEqual(await config.get("token.example"), { username: "me", identityToken: "refresh" });
  assert.equal(await config.get("empty.example"), undefined);
  assert.equal(await config.get("localhost:5001"), undefined);
});

test("no file means no credentials, and storing makes one that only its owner reads", async () => {
  await using temporary = await temporaryConfig();
  assert.equal(await temporary.config.get("docker.io"), undefined);
  await temporary.config.store("docker.io", { username: "me", password: "pw" });
  assert.deepEqual(await temporary.read(), { auths: { "https://index.docker.io/v1/": { auth: encode("me:pw") } } });
  assert.equal((await stat(temporary.file)).mode & 0o777, 0o600);
  assert.deepEqual(await temporary.config.get("docker.io"), { username: "me", password: "pw" });
});

test("storing and erasing keep what others wrote, replace older spellings and leave no other file", async () => {
  const rest = { psFormat: "table {{.ID}}", HttpHeaders: { "X-Meta": "1" } };
  await using temporary = await temporaryConfig({ ...rest, auths: { "https://a.example/v1/": { auth: "x" }, b: {} } });
  await chmod(temporary.file, 0o644);
  await temporary.config.store("a.example", { username: "me", identityToken: "t" });
  assert.deepEqual(await temporary.read(), {
    ...rest,
    auths: { b: {}, "a.example": { auth: encode("me:"), identitytoken: "t" } },
  });
  assert.equal((await stat(temporary.file)).mode & 0o777, 0o600);
  assert.equal(await temporary.config.erase("a.example"), true);
  assert.equal(await temporary.config.erase("a.example"), false);
  assert.deepEqual(await temporary.read(), { ...rest, auths: { b: {} } });
  assert.deepEqual(await readdir(temporary.directory), ["config.json"]);
});

test("a config.json that is a link stays one", async () => {
  await using temporary = await temporaryConfig();
  const target = path.join(temporary.directory, "dotfiles.json");
  await writeFile(target, "{}");
  await symlink(target, temporary.file);
  await temporary.config.store("a.example", { username: "me", password: "pw" });
  assert.match(await readFile(target, "utf8"), /a\.example/);
});

test("a broken file is an error that names it and is not overwritten", async () => {
  await using temporary = await temporaryConfig("{broken");
  const attempts = [
    async () => await temporary.config.get("a"),
    async () => await temporary.config.store("a", { username: "u" }),
  ];
  for (const attempt of attempts) {
    await assert.rejects(attempt, { code: "failed-precondition", message: new RegExp(temporary.file) });
  }
  assert.equal(await readFile(temporary.file, "utf8"), "{broken");
});

/** A helper that keeps each server's entry in a file beside it. */
const helperScript = `#!/bin/sh
cd "$(dirname "$0")"
case "$1" in
  store) cat > entry ;;
  get) cat > asked; if [ -f entry ]; then cat entry; else echo "credentials not found in native keychain"; exit 1; fi ;;
  erase) rm -f entry ;;
esac
`;

test("helpers are asked for their registries, and the file keeps no secret", async (t) => {
  await using temporary = await temporaryConfig({
    credsStore: "absent-everywhere",
    credHelpers: { "docker.io": "berth-test" },
  });
  await writeFile(path.join(temporary.directory, "docker-credential-berth-test"), helperScript, { mode: 0o755 });
  const pathBefore = process.env["PATH"];
  process.env["PATH"] = `${temporary.directory}:${pathBefore}`;
  t.after(() => (process.env["PATH"] = pathBefore));
  const { config } = temporary;
  assert.equal(await config.get("docker.io"), undefined);
  assert.equal(await readFile(path.join(temporary.directory, "asked"), "utf8"), "https://index.docker.io/v1/");
  await config.store("docker.io", { username: "me", password: "pw" });
  assert.deepEqual(await config.get("docker.io"), { username: "me", password: "pw" });
  assert.deepEqual((await temporary.read())["auths"], { "https://index.docker.io/v1/": {} });
  await config.store("docker.io", { username: "me", identityToken: "refresh" });
  assert.deepEqual(await config.get("docker.io"), { identityToken: "refresh" });
  assert.equal(await config.erase("docker.io"), true);
  assert.equal(await config.get("docker.io"), undefined);
  await assert.rejects(config.get("other.example"), {
    message: "cannot run credential helper docker-credential-absent-everywhere: it is not on PATH",
  });
});

test("a helper's name cannot be a path", async () => {
  await using temporary = await temporaryConfig({ credsStore: "../../bin/sh" });
  await assert.rejects(temporary.config.get("a.example"), { code: "invalid-argument" });
});

test("DOCKER_CONFIG says where the file is", () => {
  assert.equal(defaultDockerConfigPath({ DOCKER_CONFIG: "/etc/d" }), "/etc/d/config.json");
  assert.equal(defaultDockerConfigPath({ HOME: "/home/u" }), "/home/u/.docker/config.json");
});
