// SPDX-License-Identifier: Apache-2.0
// Debian's docker-registry on a free loopback port, with a directory of its own; for tests.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

const run = promisify(execFile);

/** The only user of a registry that wants a password. */
export const testUser = { username: "tester", password: "secret" };
/** bcrypt of the password above. */
const testUserHash = "$2b$04$rsir.XklGGti2TsV/5sIb.3gHSG7R74cN2Oq.XZbvcn1hb6lJwgfq";

export interface DockerRegistryOptions {
  readonly auth?: boolean;
  /** With a certificate for localhost and 127.0.0.1 from an authority of its own. */
  readonly tls?: boolean;
  /** A fixed port, to start one again where it was. */
  readonly port?: number;
}

export interface DockerRegistry extends AsyncDisposable {
  /** localhost:<port> */
  readonly domain: string;
  readonly port: number;
  /** PEM of the authority, with tls. */
  readonly authority: string;
}

export async function startDockerRegistry(options: DockerRegistryOptions = {}): Promise<DockerRegistry> {
  await using undo = new AsyncDisposableStack();
  const directory = await mkdtemp(path.join(tmpdir(), "berth-registry-"));
  undo.defer(async () => await rm(directory, { recursive: true, force: true }));
  await mkdir(path.join(directory, "data"));
  if (options.tls === true) await makeCertificates(directory);
  const htpasswd = path.join(directory, "htpasswd");
  await writeFile(htpasswd, `${testUser.username}:${testUserHash}\n`);
  const config = {
    version: 0.1,
    log: { level: "info", accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: path.join(directory, "data") }, delete: { enabled: true } },
    http: {
      addr: `127.0.0.1:${options.port ?? 0}`,
      ...(options.tls === true && {
        tls: { certificate: path.join(directory, "server.crt"), key: path.join(directory, "server.key") },
      }),
    },
    ...(options.auth === true && { auth: { htpasswd: { realm: "test", path: htpasswd } } }),
  };
  // JSON is YAML.
  await writeFile(path.join(directory, "config.yml"), JSON.stringify(config));
  const child = spawn("docker-registry", ["serve", path.join(directory, "config.yml")], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const exited = once(child, "exit");
  undo.defer(async () => {
    child.kill("SIGKILL");
    await exited;
  });
  const port = await listeningPort(child.stderr);
  child.stderr.resume();
  const authority = options.tls === true ? await readFile(path.join(directory, "ca.crt"), "utf8") : "";
  const resources = undo.move();
  return {
    domain: `localhost:${port}`,
    port,
    authority,
    [Symbol.asyncDispose]: async () => await resources.disposeAsync(),
  };
}

async function listeningPort(output: NodeJS.ReadableStream): Promise<number> {
  const lines: string[] = [];
  for await (const line of createInterface({ input: output })) {
    lines.push(line);
    const match = /listening on 127\.0\.0\.1:(\d+)/.exec(line);
    if (match !== null) return Number(match[1]);
  }
  throw new Error(`docker-registry did not start: ${lines.join("\n")}`);
}

/** ca.crt, server.crt and server.key. */
export async function makeCertificates(directory: string): Promise<void> {
  const openssl = async (...argv: string[]) => await run("openssl", argv, { cwd: directory });
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  await openssl(
    "req",
    "-x509",
    ...key,
    "-keyout",
    "ca.key",
    "-out",
    "ca.crt",
    "-days",
    "2",
    "-subj",
    "/CN=Test Authority",
  );
  await openssl("req", ...key, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost");
  await writeFile(path.join(directory, "san"), "subjectAltName=DNS:localhost,IP:127.0.0.1\n");
  const sign = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "san"];
  await openssl("x509", "-req", "-in", "server.csr", "-out", "server.crt", ...sign);
}
