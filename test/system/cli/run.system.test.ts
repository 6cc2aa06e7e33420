// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { after, suite, test } from "node:test";
import { eventually, startDaemon } from "../../support/daemon.ts";

const main = path.join(import.meta.dirname, "../../../src/cli/main.ts");

suite("berth run, start, exec and attach", async () => {
  const daemon = await startDaemon({ after });
  await daemon.importBusybox();
  const shell = (script: string) => ["busybox", "sh", "-c", script];

  /** The command as a child of ours, to be signalled. */
  function spawnBerth(...args: string[]) {
    const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", main, ...args], {
      env: { ...process.env, BERTH_HOST: daemon.host },
      stdio: ["pipe", "pipe", "pipe"],
    });
    let stdout = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    return { child, shown: () => stdout };
  }

  test("output keeps its stream, the exit code is the container's, and --rm leaves nothing", async () => {
    const result = await daemon.berth(["run", "--rm", ...shell("echo out; echo err >&2; exit 42")]);
    assert.deepEqual(result, { status: 42, stdout: "out\n", stderr: "err\n" });
    assert.equal(await daemon.ok("ps", "-aq"), "");
  });

  test("a container that a signal ended has 128 and its number", async () => {
    await daemon.ok("run", "-d", "--name", "killed", "busybox", "sleep", "99");
    assert.equal(await daemon.ok("kill", "killed"), "killed");
    assert.equal(await daemon.ok("wait", "killed"), "137");
    await daemon.ok("rm", "killed");
  });

  test("stdin goes through to its end, byte for byte", async () => {
    const input = Buffer.alloc(3_000_000, "0123456789abcdef\0\xff\n");
    const { status, stdout } = await daemon.berth(["run", "--rm", "-i", "busybox", "wc", "-c"], { input });
    assert.deepEqual({ status, stdout }, { status: 0, stdout: "3000000\n" });
    assert.equal((await daemon.berth(["run", "--rm", "busybox", "cat"], { input: "ignored" })).stdout, "");
  });

  test("signals reach the container, whose exit code is ours", async () => {
    const script = "trap 'echo caught; exit 9' TERM; echo ready; while :; do sleep 0.1; done";
    const { child, shown } = spawnBerth("run", "--rm", ...shell(script));
    await eventually("the container's start", () => (shown() === "ready\n" ? true : undefined));
    child.kill("SIGTERM");
    const [code] = (await once(child, "exit")) as [number];
    assert.equal(code, 9);
    assert.equal(shown(), "ready\ncaught\n");
  });

  test("with --sig-proxy=false a signal ends the command alone", async () => {
    const { child, shown } = spawnBerth(
      "run",
      "--sig-proxy=false",
      "--name",
      "stays",
      ...shell("echo ready; sleep 99"),
    );
    await eventually("the container's start", () => (shown() === "ready\n" ? true : undefined));
    child.kill("SIGINT");
    const [code] = (await once(child, "exit")) as [number];
    assert.equal(code, 130);
    assert.equal(await daemon.ok("inspect", "-f", "{{.State.Running}}", "stays"), "true");
    assert.equal(await daemon.ok("rm", "-f", "stays"), "stays");
  });

  test("detached it prints the id, which the id file has too", async () => {
    const idFile = path.join(daemon.directory, "id");
    const id = await daemon.ok("run", "-d", "--cidfile", idFile, "--name", "quiet", "busybox", "true");
    assert.match(id, /^[0-9a-f]{64}$/);
    assert.equal(await readFile(idFile, "utf8"), id);
    const again = await daemon.berth(["run", "--cidfile", idFile, "busybox", "true"]);
    assert.equal(again.status, 125);
    assert.match(again.stderr, /^container ID file found, make sure the other container isn't running or delete /);
    await daemon.ok("wait", "quiet");
    await daemon.ok("rm", "quiet");
  });

  test("create, start -a and start again", async () => {
    const id = await daemon.ok("create", "--name", "twice", "-i", ...shell("cat; echo done; exit 4"));
    assert.match(id, /^[0-9a-f]{64}$/);
    const attached = await daemon.berth(["start", "-ai", "twice"], { input: "typed\n" });
    assert.deepEqual(attached, { status: 4, stdout: "typed\ndone\n", stderr: "" });
    assert.equal(await daemon.ok("start", "twice"), "twice");
    await daemon.ok("rm", "-f", "twice");
  });

  test("exec: output, exit code, stdin, user, directory and environment", async () => {
    await daemon.ok("run", "-d", "--name", "host", "busybox", "sleep", "99");
    const result = await daemon.berth(
      ["exec", "-i", "-e", "A=1", "-u", "web", "-w", "/tmp", "host", "sh", "-c", "cat; echo $A $(id -un) $PWD; exit 3"],
      { input: "in " },
    );
    assert.deepEqual(result, { status: 3, stdout: "in 1 web /tmp\n", stderr: "" });
    await daemon.ok("exec", "-d", "host", "touch", "/tmp/there");
    await eventually(
      "the detached exec",
      async () => (await daemon.berth(["exec", "host", "ls", "/tmp/there"])).status === 0,
    );
    await daemon.ok("rm", "-f", "host");
  });

  test("what the flags ask for is what the container sees", async () => {
    await mkdir(path.join(daemon.directory, "shared"));
    await writeFile(path.join(daemon.directory, "shared/file"), "of the host");
    const script =
      "cat /shared/file; echo; hostname; echo $A$B; id -u; pwd; cat /proc/self/oom_score_adj; ulimit -n; touch /x";
    const result = await daemon.berth([
      "run", "--rm", "-v", `${daemon.directory}/shared:/shared:ro`, "-h", "box", "-e", "A=1", "-e", "B=2", "-u", "33:33", "-w", "/shared",
      "--oom-score-adj", "500", "--ulimit", "nofile=100:200", "--read-only", ...shell(script),
    ]); // biome-ignore format: words of a command line
    assert.equal(result.stdout, "of the host\nbox\n12\n33\n/shared\n500\n100\n");
    assert.match(result.stderr, /Read-only file system/);
    assert.equal(result.status, 1);
  });

  test("a reader that leaves ends the command quietly", async () => {
    const { child } = spawnBerth("run", "--name", "endless", "busybox", "yes");
    await once(child.stdout, "data");
    child.stdout.destroy();
    const [code] = (await once(child, "exit")) as [number];
    assert.equal(code, 141);
    await daemon.ok("rm", "-f", "endless");
  });
});
