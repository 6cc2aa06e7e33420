// SPDX-License-Identifier: Apache-2.0
// What the berth command does to containers that are there: pause, restart, rename and the like.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { afterEach, suite, test } from "node:test";
import { hierarchyOf, readCgroupLayout } from "../../../src/linux/cgroup/layout.ts";
import { criSocket, hostPod, removeAllPods } from "../../support/cri-client.ts";
import { eventually } from "../../support/daemon.ts";
import { suiteCri } from "../../support/suite-cri.ts";

/** Counts as long as it gets time, and ends at once on SIGTERM. */
const counter = "trap 'exit 5' TERM; echo ready; n=0; while :; do n=$((n+1)); echo $n > /n; sleep 0.02; done";

suite("operations on containers in the berth command", () => {
  const own = suiteCri();

  // Here and not at the end of each test: one that failed must not take the others with it.
  afterEach(async () => {
    await removeAllPods(criSocket(own.daemon));
    for (const { id } of await own.daemon.client.containers.list({ all: true })) {
      await own.daemon.client.containers.remove(id, { force: true });
    }
  });

  const refused = async (args: readonly string[], stderr: RegExp) => {
    const result = await own.daemon.berth(args);
    assert.deepEqual([result.status, result.stdout], [1, ""], args.join(" "));
    assert.match(result.stderr, stderr);
  };
  const run = async (name: string, ...rest: readonly string[]) =>
    await own.daemon.ok("run", "-d", "--network", "none", "--name", name, ...rest);
  const runCounter = async (name: string, ...flags: readonly string[]) => {
    const id = await run(name, ...flags, "busybox", "sh", "-c", counter);
    await eventually("its traps", async () => (await own.daemon.ok("logs", name)) === "ready" || undefined);
    return id;
  };
  const inspect = async (name: string, template: string) => await own.daemon.ok("inspect", "-f", template, name);
  const events = async (name: string) =>
    await own.daemon.ok(
      "events",
      "--since",
      "1",
      "--until",
      "0s",
      "-f",
      `container=${name}`,
      "--format",
      "{{.Action}}",
    );

  test("pause lets nothing of a container run, also over a restart of the daemon, and unpause lets it go on", async () => {
    const id = await runCounter("ticks");
    const count = async () => await own.daemon.berth(["exec", "ticks", "cat", "/n"]);
    assert.equal(await own.daemon.ok("pause", "ticks"), "ticks");
    assert.equal(await inspect("ticks", "{{.State.Status}} {{.State.Paused}} {{.State.Running}}"), "paused true true");
    assert.match(await own.daemon.ok("ps", "--format", "{{.Status}}"), /^Up .* \(Paused\)$/);
    assert.match((await count()).stderr, /is paused, unpause the container before exec/);
    await refused(["pause", "ticks"], new RegExp(`^Error response from daemon: container ${id} is already paused\n$`));
    await refused(["start", "ticks"], /cannot start a paused container, try unpause instead/);

    await own.daemon.kill();
    await own.daemon.start();
    assert.equal(await inspect("ticks", "{{.State.Status}}"), "paused");
    assert.equal(await own.daemon.ok("unpause", "ticks"), "ticks");
    const before = Number((await count()).stdout);
    await eventually("that it counts on", async () => Number((await count()).stdout) > before || undefined);
    await refused(["unpause", "ticks"], new RegExp(`^Error response from daemon: container ${id} is not paused\n$`));
    assert.match(await events("ticks"), /^unpause$/m);
  });

  test("a paused container ends as it would otherwise: stop lets it end itself, kill and rm do not wait for it", async () => {
    await runCounter("stopped");
    await own.daemon.ok("pause", "stopped");
    assert.equal(await own.daemon.ok("stop", "-t", "60", "stopped"), "stopped");
    assert.equal(await inspect("stopped", "{{.State.Status}} {{.State.ExitCode}}"), "exited 5");
    await own.daemon.ok("start", "stopped");
    await own.daemon.ok("pause", "stopped");
    await own.daemon.ok("kill", "stopped");
    assert.equal(await inspect("stopped", "{{.State.Status}} {{.State.ExitCode}}"), "exited 137");
    await own.daemon.ok("start", "stopped");
    await own.daemon.ok("pause", "stopped");
    await own.daemon.ok("rm", "-f", "stopped");
    assert.equal(await own.daemon.ok("ps", "-aq"), "");
  });

  test("what does not run or is not there cannot be paused, and the others of the line are", async () => {
    const id = await run("done", "busybox", "true");
    await own.daemon.ok("wait", "done");
    await runCounter("other");
    const { status, stdout, stderr } = await own.daemon.berth(["pause", "done", "nothing", "other"]);
    assert.deepEqual([status, stdout], [1, "other\n"]);
    const prefix = "Error response from daemon:";
    assert.equal(stderr, `${prefix} container ${id} is not running\n${prefix} no such container: nothing\n`);
    await refused(["unpause", "done"], new RegExp(`container ${id} is not running`));
    assert.equal((await own.daemon.berth(["pause"])).status, 125);
  });

  test("restart stops as stop does and starts again, with the same name, files and ports", async () => {
    const id = await runCounter("twice", "-e", "A=1");
    const pid = await inspect("twice", "{{.State.Pid}}");
    await own.daemon.ok("exec", "twice", "touch", "/kept");
    assert.equal(await own.daemon.ok("restart", "-t", "60", "twice"), "twice");
    assert.notEqual(await inspect("twice", "{{.State.Pid}}"), pid);
    assert.equal(await inspect("twice", "{{.Id}} {{.State.Status}}"), `${id} running`);
    await own.daemon.ok("exec", "twice", "ls", "/kept");
    const actions = (await events("twice")).split("\n").filter((action) => !action.startsWith("exec"));
    assert.deepEqual(actions.slice(-5), ["kill", "die", "stop", "start", "restart"]);

    await own.daemon.ok("stop", "-t", "0", "twice");
    await own.daemon.ok("restart", "twice");
    assert.equal(await inspect("twice", "{{.State.Status}}"), "running");
    await own.daemon.ok("pause", "twice");
    await own.daemon.ok("restart", "-s", "KILL", "twice");
    assert.equal(await inspect("twice", "{{.State.Status}}"), "running");

    await refused(["restart", "-s", "NONSENSE", "twice"], /NONSENSE/);
    assert.equal(await inspect("twice", "{{.State.Status}}"), "running");
    await refused(["restart", "nothing"], /no such container: nothing/);
  });

  test("a restarted container that was to go with its exit stays, and goes with the next one", async () => {
    for (const flags of [[], ["-p", "127.0.0.1::80", "--network", "bridge"]]) {
      const id = await own.daemon.ok("run", "-d", "--rm", "--name", "brief", ...flags, "busybox", "sleep", "1000");
      await own.daemon.ok("restart", "-t", "0", "brief");
      assert.equal(await inspect("brief", "{{.Id}} {{.State.Status}}"), `${id} running`);
      const { exit } = await own.daemon.client.containers.wait(id, { condition: "removed" });
      await own.daemon.ok("kill", "brief");
      await exit;
      assert.equal(await own.daemon.ok("ps", "-aq"), "");
    }
  });

  test("rename gives a container another name, at once and for good, and frees the old one", async () => {
    const id = await runCounter("old");
    assert.equal(await own.daemon.ok("rename", "old", "new"), "");
    assert.equal(await inspect("new", "{{.Name}} {{.Id}}"), `/new ${id}`);
    assert.equal((await own.daemon.berth(["inspect", "--type", "container", "old"])).status, 1);
    await run("old", "busybox", "true");
    await refused(["rename", "new", "old"], /the container name "\/old" is already in use by container/);
    await refused(["rename", "new", "new"], /renaming a container with the same name as its current name/);
    await refused(["rename", "new", "no/slash"], /invalid container name \(no\/slash\)/);
    await refused(["rename", "new", ""], /neither old nor new names may be empty/);
    await refused(["rename", "nothing", "other"], /no such container: nothing/);
    assert.equal((await own.daemon.berth(["rename", "new"])).status, 125);
    const event = own.daemon.ok("events", "--since", "1", "--until", "0s", "-f", "event=rename", "--format", "json");
    assert.equal(JSON.parse(await event).Actor.Attributes.oldName, "/old");

    await own.daemon.restart();
    assert.equal(await inspect(id, "{{.Name}}"), "/new");
    await own.daemon.ok("rm", "-f", "new");
    await run("new", "busybox", "true");
  });

  test("port shows what is published, all of it or of one port", async () => {
    const ports = ["-p", "127.0.0.1::80", "-p", "127.0.0.1::9", "-p", "127.0.0.2::53/udp"];
    await own.daemon.ok("run", "-d", "--name", "open", ...ports, "busybox", "sleep", "1000");
    const all = await own.daemon.ok("port", "open");
    assert.match(all, /^9\/tcp -> 127\.0\.0\.1:\d+\n53\/udp -> 127\.0\.0\.2:\d+\n80\/tcp -> 127\.0\.0\.1:\d+$/);
    const [, , of80 = ""] = all.split("\n");
    assert.equal(`80/tcp -> ${await own.daemon.ok("port", "open", "80")}`, of80);
    assert.match(await own.daemon.ok("port", "open", "53/udp"), /^127\.0\.0\.2:\d+$/);
    await refused(["port", "open", "53"], /^no public port '53\/tcp' published for open\n$/);
    await refused(["port", "open", "http"], /^invalid port \(http\)\n$/);
    await refused(["port", "nothing"], /no such container: nothing/);
    await own.daemon.ok("stop", "-t", "0", "open");
    assert.equal(await own.daemon.ok("port", "open"), "");
    await refused(["port", "open", "80"], /no public port '80\/tcp' published for open/);
  });

  test("top shows the processes of one container in ps's words", async () => {
    await run("busy", "busybox", "sh", "-c", "sleep 4711 & exec sleep 4712");
    await run("idle", "busybox", "sleep", "4713");
    const commands = async (...options: readonly string[]) => {
      const [header = "", ...rows] = (await own.daemon.ok("top", "busy", ...options)).split("\n");
      return {
        header: header.trim().split(/ {3,}/),
        rows: rows.map((row) => row.replace(/.*(sleep)/, "$1")).toSorted(),
      };
    };
    const both = ["sleep 4711", "sleep 4712"];
    const ready = async () => (await commands()).rows.includes("sleep 4711") || undefined;
    await eventually("its second process", async () => await ready());
    assert.deepEqual(await commands(), {
      header: ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"],
      rows: both,
    });
    assert.deepEqual(await commands("-o", "pid,args"), { header: ["PID", "COMMAND"], rows: both });
    assert.deepEqual((await commands("aux")).rows, both);
    assert.match(await own.daemon.ok("top", "busy"), /^UID {17}PID {17}PPID/);

    await refused(["top", "busy", "-o", "comm"], /couldn't find PID field in ps output/);
    await refused(["top", "busy", "--nonsense"], /error running ps: exit status 1: error: /);
    const id = await own.daemon.ok("stop", "-t", "0", "idle").then(async () => await inspect("idle", "{{.Id}}"));
    await refused(["top", "idle"], new RegExp(`^Error response from daemon: container ${id} is not running\n$`));
    assert.equal((await own.daemon.berth(["top"])).status, 125);
  });

  /** A limit that the kernel has for a container, named as version 1 and as version 2 have it. */
  const kernelLimit = async (id: string, controller: string, legacy: string, unified: string) => {
    const layout = await readCgroupLayout();
    const mountPoint = hierarchyOf(layout, controller)?.mountPoint ?? "";
    const file = path.join(mountPoint, own.daemon.cgroupParent, id, layout.version === 1 ? legacy : unified);
    return (await readFile(file, "utf8")).trim();
  };
  const memoryLimit = async (id: string) => await kernelLimit(id, "memory", "memory.limit_in_bytes", "memory.max");
  const mebibytes = (count: number) => String(count * 1024 * 1024);

  test("update changes the limits of a running container at once, and of a stopped one for its next start", async () => {
    const id = await runCounter("limited", "-m", "32m", "--cpu-shares", "512");
    const pid = await inspect("limited", "{{.State.Pid}}");
    assert.equal(await own.daemon.ok("update", "-m", "64m", "--pids-limit", "50", "limited"), "limited");
    assert.equal(await memoryLimit(id), mebibytes(64));
    assert.equal(await kernelLimit(id, "pids", "pids.max", "pids.max"), "50");
    const limits = "{{.HostConfig.Memory}} {{.HostConfig.PidsLimit}} {{.HostConfig.CpuShares}}";
    assert.equal(await inspect("limited", limits), `${mebibytes(64)} 50 512`);
    assert.equal(await inspect("limited", "{{.State.Pid}}"), pid);
    assert.match(await events("limited"), /^update$/m);

    await own.daemon.restart();
    await own.daemon.ok("restart", "-t", "60", "limited");
    assert.equal(await memoryLimit(id), mebibytes(64));
    await own.daemon.ok("stop", "-t", "60", "limited");
    assert.equal(await own.daemon.ok("update", "--memory=48m", "limited"), "limited");
    await own.daemon.ok("start", "limited");
    assert.equal(await memoryLimit(id), mebibytes(48));
    assert.equal(await inspect("limited", limits), `${mebibytes(48)} 50 512`);
  });

  test("update keeps another restart policy, and says what is wrong without changing anything", async () => {
    const id = await runCounter("plain");
    const policy = "{{.HostConfig.RestartPolicy.Name}} {{.HostConfig.RestartPolicy.MaximumRetryCount}}";
    assert.equal(await inspect("plain", policy), "no 0");
    assert.equal(await own.daemon.ok("update", "--restart", "on-failure:3", "plain"), "plain");
    assert.equal(await inspect("plain", policy), "on-failure 3");
    assert.equal(await own.daemon.ok("update", "--restart", "no", "plain"), "plain");

    await refused(["update", "plain"], /^you must provide one or more flags when using this command\n$/);
    await refused(["update", "--restart", "sometimes", "plain"], /unknown policy 'sometimes'/);
    await refused(["update", "-m", "64m", "--memory-swap", "32m", "plain"], /swap/);
    await refused(["update", "-m", "64m", "nothing"], /no such container: nothing/);
    assert.equal((await own.daemon.berth(["update", "-m", "much", "plain"])).status, 125);
    assert.equal((await own.daemon.berth(["update", "-m", "64m"])).status, 125);
    assert.equal(await inspect("plain", `{{.HostConfig.Memory}} ${policy}`), "0 no 0");
    assert.notEqual(await memoryLimit(id), mebibytes(64));

    await run("brief", "--rm", "busybox", "sleep", "1000");
    await refused(["update", "--restart", "always", "brief"], /cannot be updated: it is removed when it exits/);
    const { status, stdout } = await own.daemon.berth(["update", "-m", "64m", "nothing", "brief"]);
    assert.deepEqual([status, stdout], [1, "brief\n"]);
  });

  test("containers of pods can be paused, but are not restarted or renamed behind their orchestrator", async () => {
    const pod = await own.cri.runPod({}, hostPod);
    const id = await own.cri.start(pod, { metadata: { name: "server", attempt: 0 } });
    await own.daemon.ok("pause", id);
    await own.daemon.ok("unpause", id);
    const pid = await inspect(id, "{{.State.Pid}}");
    await refused(["restart", "-t", "0", id], /belongs to a pod and cannot be restarted/);
    await refused(["update", "--restart", "always", id], /belongs to a pod: its orchestrator decides/);
    await refused(["rename", id, "mine"], /belongs to a pod and cannot be renamed/);
    assert.equal(await inspect(id, "{{.State.Pid}}"), pid);
  });
});
