// SPDX-License-Identifier: Apache-2.0
// Commands that a kubelet runs in a container to hear how it is: probes and hooks.

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { before, suite, test } from "node:test";
import { refused } from "../../support/cri-client.ts";
import { eventually } from "../../support/daemon.ts";
import { suiteCri } from "../../support/suite-cri.ts";

/** BERTH_EXECS=1000 asks for more. */
const manyTimes = Number(process.env["BERTH_EXECS"] ?? 200);
const maximumBytes = 16 << 20;

suite("a command in a pod's container", () => {
  const own = suiteCri();
  let id = "";
  before(async () => {
    id = await own.cri.start(await own.cri.runPod());
  });

  /** Command lines of what runs in the container. */
  async function processes(): Promise<readonly string[]> {
    const script = 'for p in /proc/[0-9]*; do tr "\\0" " " < $p/cmdline; echo; done';
    return (await own.cri.output(id, script)).split("\n");
  }

  test("answers with what it wrote, stream by stream, and its exit code", async () => {
    assert.deepEqual(await own.cri.exec(id, "echo out; echo err >&2; exit 42"), {
      exitCode: 42,
      stdout: "out\n",
      stderr: "err\n",
    });
    assert.deepEqual(await own.cri.exec(id, "true", 0n), { exitCode: 0, stdout: "", stderr: "" });
    const { stdout } = await own.cri.runtime.execSync({ containerId: id, cmd: ["printf", "\\377\\000\\376"] });
    assert.deepEqual([...stdout], [255, 0, 254]);
    assert.equal((await own.cri.exec(id, "kill -KILL $$")).exitCode, 137);
  });

  test("says what it could not run", async () => {
    const run = own.cri.runtime.execSync({ containerId: id, cmd: ["/no/such/program"], timeout: 5n });
    await assert.rejects(run, /no\/such\/program/);
    await assert.rejects(own.cri.runtime.execSync({ containerId: id }), refused("InvalidArgument", "command"));
    const negative = own.cri.runtime.execSync({ containerId: id, cmd: ["true"], timeout: -1n });
    await assert.rejects(negative, refused("InvalidArgument", "-1"));
    const unknown = "c".repeat(64);
    await assert.rejects(
      own.cri.runtime.execSync({ containerId: unknown, cmd: ["true"] }),
      refused("NotFound", unknown),
    );
  });

  test("is heard to 16 MiB of each stream; the rest is dropped, not an error", async () => {
    const much = `head -c ${maximumBytes + 5_000_000} /dev/zero`;
    const { exitCode, stdout, stderr } = await own.cri.runtime.execSync({
      containerId: id,
      cmd: ["sh", "-c", `${much}; ${much} >&2; exit 7`],
      timeout: 60n,
    });
    assert.deepEqual([exitCode, stdout.length, stderr.length], [7, maximumBytes, maximumBytes]);
  });

  test("is killed with all that it started when its time is over", async () => {
    const began = Date.now();
    const run = own.cri.exec(id, "sleep 4321 & sh -c 'sleep 4322; true' & sleep 4323", 1n);
    await assert.rejects(run, refused("DeadlineExceeded"));
    const took = Date.now() - began;
    assert.ok(took >= 1000 && took < 10_000, `${took} ms`);
    await eventually("their end", async () => {
      const left = (await processes()).filter((line) => line.includes("sleep 43"));
      return left.length === 0 ? true : undefined;
    });
    assert.equal(await own.cri.output(id, "echo fine"), "fine");
  });

  test("is killed when its caller goes away", async () => {
    const caller = new AbortController();
    const cmd = ["sleep", "5678"];
    const run = own.cri.runtime.execSync({ containerId: id, cmd }, { signal: caller.signal });
    const isThere = async () => (await processes()).some((line) => line.includes("sleep 5678"));
    await eventually("it", async () => ((await isThere()) ? true : undefined));
    caller.abort();
    await assert.rejects(run);
    await eventually("its end", async () => ((await isThere()) ? undefined : true));
  });

  test("that leaves a process behind with its output open does not wait for it", async () => {
    const began = Date.now();
    const { exitCode, stdout } = await own.cri.exec(id, "sleep 30 & echo started");
    assert.deepEqual([exitCode, stdout], [0, "started\n"]);
    assert.ok(Date.now() - began < 20_000);
  });

  test("cannot run in a container that does not", async () => {
    const pod = await own.cri.runPod();
    const created = await own.cri.create(pod);
    const ended = await own.cri.startScript(pod, "exit 0");
    await own.cri.exited(ended);
    for (const containerId of [created, ended]) {
      const run = own.cri.runtime.execSync({ containerId, cmd: ["true"], timeout: 5n });
      await assert.rejects(run, refused("FailedPrecondition", containerId));
    }
    await own.cri.removePod(pod);
  });

  test("runs or is told that the container does not, however close it is to its end", async () => {
    const pod = await own.cri.runPod();
    for (let time = 0; time < 5; time++) {
      const containerId = await own.cri.start(pod, { command: ["sleep", "0.5"] });
      const ask = async () => {
        for (;;) await own.cri.runtime.execSync({ containerId, cmd: ["true"], timeout: 5n });
      };
      await Promise.all(
        [1, 2, 3].map(
          async () => await assert.rejects(ask, refused("FailedPrecondition", `${containerId} is not running`)),
        ),
      );
    }
    await own.cri.removePod(pod);
  });

  test(`run ${manyTimes} times leaves nothing behind`, async () => {
    const used = async () => {
      const files = await readdir(`/proc/${own.daemon.pid}/fd`);
      const fifos = await readdir(path.join(own.daemon.state, "io", id));
      const threads = /^Threads:\s+(\d+)/m.exec(await readFile(`/proc/${own.daemon.pid}/status`, "utf8"))?.[1];
      return { files: files.length, fifos: fifos.length, processes: (await processes()).length, threads };
    };
    for (let time = 0; time < 10; time++) await own.cri.output(id, "true");
    const before = await used();
    const runners = [1, 2, 3, 4].map(async (runner) => {
      for (let time = runner; time <= manyTimes; time += 4) {
        assert.equal(await own.cri.output(id, `echo ${time}`), String(time));
      }
    });
    await Promise.all(runners);
    await eventually("as much as before", async () => {
      const now = await used();
      return now.files <= before.files && now.fifos <= before.fifos && now.processes <= before.processes
        ? true
        : undefined;
    });
  });
});
