// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, suite, test } from "node:test";
import { eventually, startDaemon } from "../../support/daemon.ts";

const main = path.join(import.meta.dirname, "../../../src/cli/main.ts");

/** A server on loopback that answers as the function says; its address is host:port. */
async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(answer);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

async function startRegistry(): Promise<string> {
  const address = `127.0.0.1:${await freePort()}`;
  const directory = await mkdtemp(path.join(tmpdir(), "cli-registry-"));
  const config = path.join(directory, "config.yml");
  await writeFile(
    config,
    `version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: ${directory}/data}}\nhttp: {addr: "${address}"}\n`,
  );
  const registry: ChildProcess = spawn("docker-registry", ["serve", config], { stdio: "ignore" });
  after(async () => {
    const exited = once(registry, "exit");
    if (registry.exitCode === null && registry.kill("SIGKILL")) await exited;
    await rm(directory, { recursive: true });
  });
  await eventually(
    "the registry",
    async () =>
      await fetch(`http://${address}/v2/`).then(
        (response) => response.ok,
        () => false,
      ),
  );
  return address;
}

suite("images with the berth command", async () => {
  // Before the daemon, whose end looks for what its own test has left.
  const registry = await startRegistry();
  const daemon = await startDaemon({ after });
  await daemon.importBusybox("busybox:latest", ['CMD ["sh"]', "LABEL a=b", "EXPOSE 80"]);
  const dockerConfig = path.join(daemon.directory, "docker", "config.json");

  test("tag, push, remove and pull in Docker's words", async () => {
    const name = `${registry}/some/where:1`;
    assert.equal(await daemon.ok("tag", "busybox", name), "");
    const pushed = await daemon.ok("push", name);
    assert.match(pushed, new RegExp(`^The push refers to repository \\[${registry}/some/where\\]\n`));
    assert.match(pushed, /\n[0-9a-f]{12}: Pushed\n/);
    assert.match(pushed, /\n1: digest: sha256:[0-9a-f]{64} size: \d+$/);
    assert.equal(await daemon.ok("rmi", name), `Untagged: ${name}`);
    const pulled = (await daemon.ok("pull", name)).split("\n");
    assert.equal(pulled[0], "1: Pulling from some/where");
    assert.equal(pulled.at(-2), `Status: Downloaded newer image for ${name}`);
    assert.equal(pulled.at(-1), name);
    assert.equal(await daemon.ok("pull", "-q", name), name);
    const missing = await daemon.berth(["pull", `${registry}/some/where:none`]);
    assert.equal(missing.status, 1);
    assert.match(missing.stderr, /^Error response from daemon: manifest for .*some\/where:none not found/);
  });

  test("run pulls what is missing: progress on stderr, output on stdout", async () => {
    const name = `${registry}/for/run:latest`;
    await daemon.ok("tag", "busybox", name);
    await daemon.ok("push", "-q", name);
    await daemon.ok("rmi", name);
    const result = await daemon.berth(["run", "--rm", `${registry}/for/run`, "echo", "ran"]);
    assert.equal(result.status, 0, result.stderr);
    assert.equal(result.stdout, "ran\n");
    assert.match(result.stderr, new RegExp(`^Unable to find image '${name}' locally\nlatest: Pulling from for/run\n`));
    await daemon.ok("rmi", name);
    assert.equal((await daemon.berth(["run", "-q", "--rm", name, "true"])).stderr, "");
    assert.match((await daemon.berth(["run", "--pull=always", "--rm", name, "true"])).stderr, /Image is up to date/);
    await daemon.ok("rmi", name);
  });

  test("lists, by columns, ids, templates and filters", async () => {
    const [header, ...rows] = (await daemon.ok("images", "busybox")).split("\n");
    assert.match(header ?? "", /^REPOSITORY +TAG +IMAGE ID +CREATED +SIZE$/);
    assert.equal(rows.length, 1);
    assert.match(
      rows[0] ?? "",
      /^busybox +latest +[0-9a-f]{12} +(Less than a second|\d+ seconds?|About a minute|\d+ minutes) ago +[\d.]+MB$/,
    );
    assert.match(await daemon.ok("images", "-q", "busybox"), /^[0-9a-f]{12}$/);
    assert.match(await daemon.ok("images", "-q", "--no-trunc", "busybox"), /^sha256:[0-9a-f]{64}$/);
    assert.equal(await daemon.ok("images", "--format", "{{.Repository}}:{{.Tag}}", "busybox"), "busybox:latest");
    assert.equal(JSON.parse(await daemon.ok("image", "ls", "--format", "json", "busybox")).Repository, "busybox");
    assert.equal(await daemon.ok("images", "-q", "-f", "label=a=nothing"), "");
  });

  test("inspect shows what import was told", async () => {
    const [image] = JSON.parse(await daemon.ok("inspect", "busybox"));
    assert.deepEqual(image.Config.Cmd, ["sh"]);
    assert.deepEqual(image.Config.Labels, { a: "b" });
    assert.deepEqual(image.Config.ExposedPorts, { "80/tcp": {} });
    assert.ok(image.RepoTags.includes("busybox:latest"));
    assert.equal(await daemon.ok("image", "inspect", "-f", "{{.Os}} {{len .RootFS.Layers}}", "busybox"), "linux 1");
  });

  test("save, remove, load; by files and by pipes", async () => {
    const file = path.join(daemon.directory, "saved.tar");
    await daemon.ok("tag", "busybox", "saved:1");
    assert.equal(await daemon.ok("save", "-o", file, "saved:1"), "");
    await daemon.ok("rmi", "saved:1");
    assert.equal(await daemon.ok("load", "-i", file), "Loaded image: saved:1");
    const piped = await daemon.berth(["load"], { input: await readFile(file) });
    assert.deepEqual(piped, { status: 0, stdout: "Loaded image: saved:1\n", stderr: "" });
    const missing = await daemon.berth(["load", "-i", "/nonexistent"]);
    assert.deepEqual(missing, { status: 1, stdout: "", stderr: "open /nonexistent: no such file or directory\n" });
    const failed = await daemon.berth(["save", "-o", `${file}2`, "nope"]);
    assert.match(failed.stderr, /^Error response from daemon: no such image: nope/i);
    await assert.rejects(stat(`${file}2`), { code: "ENOENT" });
  });

  test("login keeps what the registry accepts, pull sends it, logout forgets it", async () => {
    const seen: (string | undefined)[] = [];
    const guarded = await serve((request, response) => {
      seen.push(request.headers.authorization);
      const known = request.headers.authorization === `Basic ${Buffer.from("me:secret").toString("base64")}`;
      response.statusCode = !known ? 401 : request.url === "/v2/" ? 200 : 404;
      if (!known) response.setHeader("WWW-Authenticate", 'Basic realm="test"');
      response.end();
    });
    const refused = await daemon.berth(["login", "-u", "me", "--password-stdin", guarded], { input: "wrong\n" });
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /^Error response from daemon: /);
    await assert.rejects(stat(dockerConfig), { code: "ENOENT" });

    const accepted = await daemon.berth(["login", "-u", "me", "--password-stdin", guarded], { input: "secret\n" });
    assert.deepEqual([accepted.status, accepted.stdout], [0, "Login Succeeded\n"]);
    assert.match(accepted.stderr, /^WARNING! Your credentials are stored unencrypted in /);
    const { auths } = JSON.parse(await readFile(dockerConfig, "utf8"));
    assert.deepEqual(auths, { [guarded]: { auth: Buffer.from("me:secret").toString("base64") } });
    assert.equal((await stat(dockerConfig)).mode & 0o777, 0o600);
    seen.length = 0;
    assert.equal((await daemon.berth(["pull", `${guarded}/x:1`])).status, 1);
    assert.ok(seen.includes(`Basic ${Buffer.from("me:secret").toString("base64")}`));

    assert.equal(await daemon.ok("logout", guarded), `Removing login credentials for ${guarded}`);
    assert.equal(await daemon.ok("logout", guarded), `Not logged in to ${guarded}`);
    const noTerminal = await daemon.berth(["login", guarded]);
    assert.deepEqual(
      [noTerminal.status, noTerminal.stderr],
      [1, "Error: Cannot perform an interactive login from a non TTY device\n"],
    );
  });

  test("Ctrl-C ends a pull with 130, and the daemon leaves the registry alone", async () => {
    const gone = Promise.withResolvers<undefined>();
    const asked = Promise.withResolvers<undefined>();
    const silent = await serve((_request, response) => {
      asked.resolve(undefined);
      response.once("close", () => gone.resolve(undefined));
    });
    const child = spawn(
      process.execPath,
      ["--disable-warning=ExperimentalWarning", main, "run", "--rm", `${silent}/x:1`],
      {
        env: { ...process.env, BERTH_HOST: daemon.host },
        stdio: "ignore",
      },
    );
    await asked.promise;
    child.kill("SIGINT");
    const [code] = (await once(child, "exit")) as [number];
    assert.equal(code, 130);
    await gone.promise;
  });
});
