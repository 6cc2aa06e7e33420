// SPDX-License-Identifier: Apache-2.0
// Checkpoints of running containers. CRIU is installed on few machines and works on fewer: what it writes is shown where it
// works, what must be right without it everywhere. In between, a script stands in for the OCI runtime's checkpoint
// command, and passes everything else on to the real one.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmod, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, afterEach, before, suite, test } from "node:test";
import { ContainerState } from "../../../src/gen/runtime/v1/api_pb.js";
import { findExecutable } from "../../../src/host/find-executable.ts";
import { criSocket, refused, removeAllPods } from "../../support/cri-client.ts";
import { eventually } from "../../support/eventually.ts";
import { type SuiteCri, suiteCri } from "../../support/suite-cri.ts";

const directory = await mkdtemp(path.join(tmpdir(), "berth-checkpoint-"));
const programs = path.join(directory, "programs");
const archives = path.join(directory, "archives");
const realCheck = spawnSync("criu", ["check"], { encoding: "utf8" });

before(async () => {
  for (const name of [programs, archives]) spawnSync("mkdir", [name]);
  // All that PATH has but criu.
  for (const folder of (process.env["PATH"] ?? "").split(":").reverse()) {
    for (const name of await readdir(folder).catch(() => [])) {
      if (name === "criu") continue;
      await rm(path.join(programs, name), { force: true });
      await symlink(path.join(folder, name), path.join(programs, name));
    }
  }
});

after(async () => await rm(directory, { recursive: true, force: true }));

afterEach(async () => {
  for (const name of await readdir(archives)) await rm(path.join(archives, name), { recursive: true });
});

/** Nothing of a checkpoint is left beside its archive. */
async function assertNothingLeft({ daemon }: SuiteCri, expected: readonly string[] = []): Promise<void> {
  assert.deepEqual(await readdir(archives), expected);
  const left = await readdir(path.join(daemon.root, "checkpoints")).catch(() => []);
  assert.deepEqual(left, []);
}

/** That it goes on after what was tried. */
async function assertRuns({ cri }: SuiteCri, containerId: string): Promise<void> {
  assert.equal((await cri.status(containerId)).state, ContainerState.CONTAINER_RUNNING);
  assert.equal(await cri.output(containerId, "echo alive"), "alive");
}

suite("checkpoints without criu", () => {
  const own = suiteCri({ environment: { PATH: programs } });

  test("are refused with what to do, and leave nothing", async () => {
    const pod = await own.cri.runPod();
    const containerId = await own.cri.start(pod);
    await assert.rejects(
      own.cri.runtime.checkpointContainer({ containerId, location: `${archives}/c.tar` }),
      refused("FailedPrecondition", "checkpoints need criu", "install criu"),
    );
    await assertNothingLeft(own);
    await assertRuns(own, containerId);
  });

  test("are refused for what makes no sense before anything is asked of criu", async () => {
    const pod = await own.cri.runPod();
    const containerId = await own.cri.create(pod);
    const { runtime } = own.cri;
    const location = `${archives}/c.tar`;
    await assert.rejects(
      runtime.checkpointContainer({ containerId, location }),
      refused("FailedPrecondition", "is created: only one that runs can be checkpointed"),
    );
    await assert.rejects(
      runtime.checkpointContainer({ containerId, location: "c.tar" }),
      refused("InvalidArgument", "is not an absolute path"),
    );
    await assert.rejects(
      runtime.checkpointContainer({ containerId, location: `${archives}/no/c.tar` }),
      refused("FailedPrecondition", `there is no directory ${archives}/no`),
    );
    await assert.rejects(
      runtime.checkpointContainer({ containerId, location, timeout: -1n }),
      refused("InvalidArgument", "less than 0"),
    );
    await assert.rejects(
      runtime.checkpointContainer({ containerId: "f".repeat(64), location }),
      refused("NotFound", "f".repeat(64)),
    );
    await assertNothingLeft(own);
  });
});

const worksHere = realCheck.status === 0;
const realSkip = {
  skip: worksHere ? false : `criu does not work here: ${realCheck.stderr?.split("\n")[0] ?? "it is not installed"}`,
};

suite("checkpoints with criu", () => {
  const own = suiteCri();

  const marker = `marker-${path.basename(directory)}`;

  test("hold the container's memory, and it runs on", realSkip, async () => {
    const pod = await own.cri.runPod();
    const containerId = await own.cri.startScript(
      pod,
      `MARK=${marker}; echo changed > /changed; while :; do sleep 0.1; done`,
    );
    await own.cri.until(containerId, "test -s /changed");
    await own.cri.runtime.checkpointContainer({ containerId, location: `${archives}/c.tar` });
    const pages = spawnSync("sh", [
      "-c",
      `tar -xOf ${archives}/c.tar --wildcards 'checkpoint/pages-*' | grep -c ${marker}`,
    ]);
    assert.equal(pages.status, 0, "what was in its memory is in the pages");
    await assertNothingLeft(own, ["c.tar"]);
    const names = listArchive(`${archives}/c.tar`);
    for (const name of ["checkpoint/inventory.img", "config.dump", "spec.dump", "rootfs-diff.tar", "stats-dump"]) {
      assert.ok(names.includes(name), `${name} in ${names.join(" ")}`);
    }
    await assertRuns(own, containerId);
  });

  const skip = realCheck.error === undefined && !worksHere ? false : "criu works here, or is not installed";
  test("say why the machine refuses, and leave nothing", { skip }, async () => {
    const pod = await own.cri.runPod();
    const containerId = await own.cri.start(pod);
    const reason = /Error \([^)]*\): (.*)/.exec(realCheck.stderr)?.[1] ?? "";
    await assert.rejects(
      own.cri.runtime.checkpointContainer({ containerId, location: `${archives}/c.tar` }),
      refused("FailedPrecondition", `criu does not work on this machine: ${reason}`),
    );
    await assertNothingLeft(own);
    await assertRuns(own, containerId);
  });
});

function listArchive(file: string): readonly string[] {
  const { status, stdout, stderr } = spawnSync("tar", ["-tf", file], { encoding: "utf8" });
  assert.equal(status, 0, stderr);
  return stdout.trim().split("\n");
}

suite("checkpoints whose runtime's part a script plays", () => {
  const bin = path.join(directory, "bin");
  const behaviour = path.join(directory, "behaviour");
  const calls = path.join(directory, "calls");

  before(async () => {
    spawnSync("mkdir", [bin]);
    await script("criu", '[ "$1" = check ]');
    await script(
      "runtime",
      `real=${findExecutable("runc")} global= images= work= command=
      for word in "$@"; do
        case "$previous" in --image-path) images=$word;; --work-path) work=$word;; --root) global="--root $word";; esac
        [ "$word" = checkpoint ] && command=checkpoint
        previous=$word
      done
      [ "$command" = checkpoint ] || exec "$real" "$@"
      echo "$* status=$("$real" $global state "$previous" | grep '"status"')" >> ${calls}
      . ${behaviour}`,
    );
  });

  // After the hook above: hooks run in the order of their registration.
  const own = suiteCri({
    environment: { PATH: `${bin}:${programs}` },
    config: `[runtime]
default = "stand-in"

[runtime.handlers.stand-in]
driver = "shim"
shim = "containerd-shim-runc-v2"
binary = "${bin}/runtime"
`,
  });

  async function script(name: string, text: string): Promise<void> {
    const file = path.join(bin, name);
    await writeFile(file, `#!/bin/sh\n${text}\n`);
    await chmod(file, 0o755);
  }

  const write = 'echo pages > "$images/pages-1.img"; echo log > "$work/dump.log"; echo figures > "$work/stats-dump"';

  afterEach(async () => {
    await removeAllPods(criSocket(own.daemon));
    await rm(calls, { force: true });
  });

  test("have what checkpointctl and other runtimes read, of the moment at which the container stood still", async () => {
    await writeFile(behaviour, write);
    const pod = await own.cri.runPod({
      metadata: { name: "web", namespace: "shop", uid: "uid-web", attempt: 0 },
      logDirectory: path.join(own.cri.logDirectory, "web"),
    });
    const containerId = await own.cri.startScript(
      pod,
      "echo changed > /changed; rm /etc/group; echo ready; sleep 1000",
      {
        metadata: { name: "server", attempt: 1 },
        logPath: "server.log",
      },
    );
    await eventually("its output", async () => (await own.cri.log(containerId)).length > 0 || undefined);
    const location = `${archives}/c.tar`;
    await own.cri.runtime.checkpointContainer({ containerId, location, timeout: 60n });

    assert.equal((await stat(location)).mode & 0o7777, 0o600);
    const names = [
      "checkpoint/",
      "checkpoint/pages-1.img",
      "config.dump",
      "container.log",
      "dump.log",
      "rootfs-diff.tar",
    ];
    assert.deepEqual(listArchive(location), [...names, "spec.dump", "stats-dump", "status", "status.dump"]);
    const out = await mkdtemp(path.join(directory, "out-"));
    assert.equal(spawnSync("tar", ["-xf", location, "-C", out]).status, 0);
    const json = async (name: string) =>
      JSON.parse(await readFile(path.join(out, name), "utf8")) as Record<string, unknown>;
    const config = await json("config.dump");
    assert.deepEqual(
      [config["id"], config["name"], config["rootfsImageName"], config["runtime"]],
      [containerId, "k8s_server_web_shop_uid-web_1", "busybox:latest", "stand-in"],
    );
    assert.equal((await json("status.dump"))["id"], containerId);
    const { CreatedAt, Pid } = await json("status");
    assert.ok(Number(CreatedAt) > 1e18, "nanoseconds");
    assert.ok(Number(Pid) > 0);
    const annotations = (await json("spec.dump"))["annotations"] as Record<string, string>;
    assert.equal(annotations["io.kubernetes.cri.sandbox-name"], "web");
    assert.match(await readFile(path.join(out, "container.log"), "utf8"), / stdout F ready\n$/);
    const changed = listArchive(path.join(out, "rootfs-diff.tar"));
    for (const name of ["changed", "etc/.wh.group"])
      assert.ok(changed.includes(name), `${name} in ${changed.join(" ")}`);

    const called = await readFile(calls, "utf8");
    assert.match(called, / --leave-running /);
    assert.match(called, /status=.*"paused"/);
    await assertNothingLeft(own, ["c.tar"]);
    await assertRuns(own, containerId);

    // Again, over the one that is there.
    await own.cri.runtime.checkpointContainer({ containerId, location });
    await assertNothingLeft(own, ["c.tar"]);
  });

  test("have no log when something else lies in its place: whoever may write there is not root", async () => {
    await writeFile(behaviour, write);
    const pod = await own.cri.runPod();
    const containerId = await own.cri.startScript(pod, "echo ready; sleep 1000", { logPath: "c.log" });
    await eventually("its output", async () => (await own.cri.log(containerId)).length > 0 || undefined);
    const { logPath } = await own.cri.status(containerId);
    await rm(logPath);
    await symlink("/etc/shadow", logPath);
    const location = `${archives}/linked.tar`;
    await own.cri.runtime.checkpointContainer({ containerId, location, timeout: 60n });
    assert.ok(!listArchive(location).includes("container.log"));
  });

  test("that criu gives up on say why, leave nothing, and the container runs on", async () => {
    await writeFile(
      behaviour,
      `${write}; printf '(00.1)  1: Error (criu/sk-inet.c:191): inet: Connected TCP socket\\n(00.2) Error (criu/cr-dump.c:1): failed\\n' > "$work/dump.log"; exit 1`,
    );
    const pod = await own.cri.runPod();
    const containerId = await own.cri.start(pod);
    await writeFile(`${archives}/c.tar`, "an earlier one");
    await assert.rejects(
      own.cri.runtime.checkpointContainer({ containerId, location: `${archives}/c.tar` }),
      refused("FailedPrecondition", "criu cannot checkpoint it: inet: Connected TCP socket"),
    );
    await assertNothingLeft(own, ["c.tar"]);
    assert.equal(await readFile(`${archives}/c.tar`, "utf8"), "an earlier one");
    await assertRuns(own, containerId);
  });

  test("end when their time is up", async () => {
    await writeFile(behaviour, `${write}; exec sleep 60`);
    const pod = await own.cri.runPod();
    const containerId = await own.cri.start(pod);
    await assert.rejects(
      own.cri.runtime.checkpointContainer({ containerId, location: `${archives}/c.tar`, timeout: 1n }),
      refused("DeadlineExceeded", "took longer than 1 s"),
    );
    await assertNothingLeft(own);
    await assertRuns(own, containerId);
  });

  test("over which the daemon is killed are forgotten, and the container goes on under the next one", async () => {
    const go = path.join(directory, "go-on");
    await writeFile(behaviour, `${write}; until [ -e ${go} ]; do sleep 0.05; done`);
    const pod = await own.cri.runPod();
    const containerId = await own.cri.start(pod);
    const failed = assert.rejects(own.cri.runtime.checkpointContainer({ containerId, location: `${archives}/c.tar` }));
    await eventually("the runtime's part", async () => await readFile(calls, "utf8").catch(() => undefined));
    await own.daemon.kill();
    await failed;
    await own.daemon.start();
    await assertNothingLeft(own);
    await writeFile(go, "");
    await assertRuns(own, containerId);
  });

  test("whose client left are taken away when the runtime is done with them", async () => {
    const go = path.join(directory, "go");
    await writeFile(behaviour, `${write}; until [ -e ${go} ]; do sleep 0.05; done`);
    const pod = await own.cri.runPod();
    const containerId = await own.cri.start(pod);
    const leave = new AbortController();
    const call = own.cri.runtime.checkpointContainer(
      { containerId, location: `${archives}/c.tar` },
      { signal: leave.signal },
    );
    await Promise.all([
      assert.rejects(call),
      eventually("the runtime's part", async () => await readFile(calls, "utf8").catch(() => undefined)).then(() => {
        leave.abort();
      }),
    ]);
    await writeFile(go, "");
    await eventually("the end of it", async () => {
      const left = await readdir(path.join(own.daemon.root, "checkpoints"));
      return left.length === 0 || undefined;
    });
    await assertNothingLeft(own);
    await assertRuns(own, containerId);
  });
});
