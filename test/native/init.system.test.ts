// SPDX-License-Identifier: Apache-2.0
// The init of --init, as a process 1 of a PID namespace of its own and as an ordinary process.

import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, type TestContext, test } from "node:test";

const directory = mkdtempSync(path.join(tmpdir(), "berth-init-"));
after(() => rmSync(directory, { recursive: true }));
execFileSync("make", ["-s", "-C", path.join(import.meta.dirname, "../../native/init"), `OUT=${directory}`]);
const init = path.join(directory, "berth-init");

interface Result {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

function start(t: TestContext, command: readonly string[], options: { readonly asFirst?: boolean } = {}) {
  const prefix = options.asFirst === true ? ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"] : [];
  const [program = "", ...rest] = [...prefix, init, "--", ...command];
  const child = spawn(program, rest, { stdio: ["ignore", "pipe", "pipe"] });
  t.after(() => child.kill("SIGKILL"));
  return child;
}

async function finish(child: ChildProcess): Promise<Result> {
  let [output, errors] = ["", ""];
  child.stdout?.on("data", (data: Buffer) => (output += String(data)));
  child.stderr?.on("data", (data: Buffer) => (errors += String(data)));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, output, errors };
}

test("is one small static program", () => {
  assert.ok(statSync(init).size < 900_000);
  const headers = execFileSync("readelf", ["-l", init], { encoding: "utf8" });
  assert.doesNotMatch(headers, /INTERP/);
});

test("ends with the command's exit code, or 128 and the number of the signal that ended it", async (t) => {
  assert.equal((await finish(start(t, ["sh", "-c", "exit 42"]))).code, 42);
  assert.equal((await finish(start(t, ["true"], { asFirst: true }))).code, 0);
  assert.equal((await finish(start(t, ["sh", "-c", "kill -KILL $$"]))).code, 137);
  assert.equal((await finish(start(t, ["sh", "-c", "kill -SEGV $$"]))).code, 139);
});

test("tells a missing command from one that cannot be executed", async (t) => {
  const missing = await finish(start(t, ["no-such-command"]));
  assert.deepEqual(missing, { code: 127, output: "", errors: "init: no-such-command: No such file or directory\n" });
  const file = path.join(directory, "plain");
  writeFileSync(file, "text");
  const plain = await finish(start(t, [file]));
  assert.deepEqual(plain, { code: 126, output: "", errors: `init: ${file}: Permission denied\n` });
  assert.equal((await finish(start(t, []))).code, 125);
});

test("passes signals on to the command", async (t) => {
  for (const [signal, name] of [
    ["SIGTERM", "TERM"],
    ["SIGUSR1", "USR1"],
    ["SIGHUP", "HUP"],
  ] as const) {
    const child = start(t, ["sh", "-c", `trap 'exit 7' ${name}; echo ready; while :; do sleep 0.05; done`]);
    await once(child.stdout, "data");
    child.kill(signal);
    assert.equal((await finish(child)).code, 7, signal);
  }
});

test("gives the command the signal mask and handlers that it had itself", async (t) => {
  const { output } = await finish(start(t, ["grep", "-E", "Sig(Blk|Ign)", "/proc/self/status"]));
  const own = execFileSync("grep", ["-E", "Sig(Blk|Ign)", "/proc/self/status"], { encoding: "utf8" });
  assert.equal(output, own);
});

test("reaps orphans as process 1", async (t) => {
  // The grandchildren's parent ends at once; when all of them ended, nothing but init, sh and the pipeline may be there.
  const script =
    "for i in 1 2 3 4 5; do (sleep 0.02 &) ; done; sleep 0.3; grep -c '^State:.Z' /proc/[0-9]*/status | grep -c ':1$'";
  const { output, code } = await finish(start(t, ["sh", "-c", script], { asFirst: true }));
  assert.equal(output, "0\n");
  assert.equal(code, 1);
});
