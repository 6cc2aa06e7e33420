// SPDX-License-Identifier: Apache-2.0
// Docker's credential helper protocol: docker-credential-<name> with get, store or erase, JSON or a server's address on
// stdin, JSON on stdout, and a text on stdout with exit code 1 for a failure.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { BerthError } from "../errors.ts";
import type { StoredCredentials } from "./stored-credentials.ts";

/** The user name under which helpers keep identity tokens. */
const tokenUser = "<token>";
const timeoutMs = 60_000;

/** What the helper keeps for the server, or undefined. */
export async function getFromHelper(helper: string, server: string): Promise<StoredCredentials | undefined> {
  const { output, code } = await run(helper, "get", server);
  if (code !== 0) {
    if (/credentials not found/i.test(output)) return undefined;
    throw failed(helper, "get", output);
  }
  let answer: unknown;
  try {
    answer = JSON.parse(output);
  } catch (error) {
    throw new BerthError("failed-precondition", `${programOf(helper)} get did not answer with JSON`, { cause: error });
  }
  const { Username: username, Secret: secret } = (answer ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof secret !== "string" || secret === "") return undefined;
  if (username === tokenUser) return { identityToken: secret };
  return { ...(typeof username === "string" && { username }), password: secret };
}

export async function storeWithHelper(helper: string, server: string, credentials: StoredCredentials): Promise<void> {
  const { username, password, identityToken } = credentials;
  const isToken = identityToken !== undefined;
  const entry = {
    ServerURL: server,
    Username: isToken ? tokenUser : (username ?? ""),
    Secret: isToken ? identityToken : (password ?? ""),
  };
  const { output, code } = await run(helper, "store", JSON.stringify(entry));
  if (code !== 0) throw failed(helper, "store", output);
}

/** Nothing to erase is fine. */
export async function eraseWithHelper(helper: string, server: string): Promise<void> {
  const { output, code } = await run(helper, "erase", server);
  if (code !== 0 && !/credentials not found/i.test(output)) throw failed(helper, "erase", output);
}

async function run(helper: string, verb: string, input: string): Promise<{ output: string; code: number | null }> {
  if (!/^[\w.-]+$/.test(helper)) {
    throw new BerthError("invalid-argument", `credential helper ${JSON.stringify(helper)} is not a name`);
  }
  const child = spawn(programOf(helper), [verb], {
    stdio: ["pipe", "pipe", "inherit"],
    signal: AbortSignal.timeout(timeoutMs),
  });
  const closed = once(child, "close");
  // One that does not read its input closes the pipe early; its exit code says the rest.
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  try {
    const [output, [code]] = await Promise.all([text(child.stdout), closed as Promise<[number | null]>]);
    return { output: output.trim(), code };
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code === "ENOENT" ? "it is not on PATH" : (error as Error).message;
    throw new BerthError("failed-precondition", `cannot run credential helper ${programOf(helper)}: ${reason}`, {
      cause: error,
    });
  }
}

function programOf(helper: string): string {
  return `docker-credential-${helper}`;
}

function failed(helper: string, verb: string, output: string): BerthError {
  const reason = output === "" ? "it gave no reason" : output.slice(0, 300);
  return new BerthError("failed-precondition", `${programOf(helper)} ${verb} failed: ${reason}`);
}
