// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { after, suite, test } from "node:test";
import { startDaemon } from "../../support/daemon.ts";

suite("looking at containers with the berth command", async () => {
  const daemon = await startDaemon({ after });
  await daemon.importBusybox();

  test("ps: columns, states, ids, filters, templates and sizes", async () => {
    const up = await daemon.ok(
      "run",
      "-d",
      "--name",
      "up",
      "-l",
      "a=b",
      "--expose",
      "90",
      "-p",
      "127.0.0.1::80",
      "busybox",
      "sleep",
      "99",
    );
    const down = await daemon.ok("run", "-d", "--name", "down", "busybox", "sh", "-c", "exit 3");
    await daemon.ok("wait", "down");
    const [header, ...rows] = (await daemon.ok("ps", "-a")).split("\n");
    assert.match(header ?? "", /^CONTAINER ID +IMAGE +COMMAND +CREATED +STATUS +PORTS +NAMES$/);
    assert.match(
      rows[0] ?? "",
      /^[0-9a-f]{12} +busybox +"sh -c 'exit 3'"|"sh -c exit 3" +.* ago +Exited \(3\) .* ago +down$/,
    );
    assert.match(
      rows[1] ?? "",
      /^[0-9a-f]{12} +busybox +"sleep 99" +.* ago +Up .* +90\/tcp, 127\.0\.0\.1:\d+->80\/tcp +up$/,
    );
    assert.equal(await daemon.ok("ps", "-q"), up.slice(0, 12));
    assert.equal(await daemon.ok("ps", "-aq", "--no-trunc"), `${down}\n${up}`);
    assert.equal(await daemon.ok("ps", "-lq"), down.slice(0, 12));
    assert.equal(await daemon.ok("ps", "-n", "1", "-q"), down.slice(0, 12));
    assert.equal(await daemon.ok("ps", "-aq", "-f", "label=a=b"), up.slice(0, 12));
    assert.equal(await daemon.ok("ps", "-q", "-f", "exited=3"), down.slice(0, 12));
    assert.equal(
      await daemon.ok("ps", "--format", '{{.Names}} {{.State}} {{.Label "a"}} {{.Networks}}'),
      "up running b bridge",
    );
    assert.match(
      await daemon.ok("ps", "--format", "table {{.Names}}\\t{{.Size}}"),
      /^NAMES +SIZE\nup +[\d.]+k?B \(virtual [\d.]+MB\)$/,
    );
    assert.equal(JSON.parse(await daemon.ok("ps", "--format", "json")).Names, "up");
    const refused = await daemon.berth(["ps", "-f", "nope=1"]);
    assert.deepEqual([refused.status, refused.stderr], [1, "Error response from daemon: invalid filter 'nope'\n"]);
    assert.equal(await daemon.ok("rm", "-f", "up", "down"), "up\ndown");
  });

  test("inspect: Docker's shape, templates, and what is not there beside what is", async () => {
    await daemon.ok("run", "-d", "--name", "seen", "-m", "64m", "-v", "/data", "-e", "A=1", "busybox", "sleep", "99");
    const [seen] = JSON.parse(await daemon.ok("inspect", "-s", "seen"));
    assert.equal(seen.Name, "/seen");
    assert.equal(seen.State.Running, true);
    assert.equal(seen.HostConfig.Memory, 67_108_864);
    assert.ok(seen.Config.Env.includes("A=1"));
    assert.equal(seen.Mounts[0].Destination, "/data");
    assert.match(seen.NetworkSettings.Networks.bridge.IPAddress, /^10\./);
    assert.equal(typeof seen.SizeRw, "number");
    assert.equal(await daemon.ok("inspect", "-f", "{{.State.Pid}}", "/seen"), String(seen.State.Pid));
    const both = await daemon.berth(["inspect", "-f", "{{.Name}}", "seen", "nope"]);
    assert.deepEqual(both, { status: 1, stdout: "/seen\n", stderr: "Error: No such object: nope\n" });
    const unknownKey = await daemon.berth(["inspect", "-f", "{{.Nope}}", "seen"]);
    assert.match(unknownKey.stderr, /map has no entry for key "Nope"/);
    assert.equal(await daemon.ok("stop", "-t", "0", "seen"), "seen");
    assert.equal(await daemon.ok("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", "seen"), "exited 137");
    await daemon.ok("rm", "-v", "seen");
  });

  test("logs: streams, tail, times, since and follow", async () => {
    await daemon.ok("run", "-d", "--name", "talks", "busybox", "sh", "-c", "echo 1; echo 2 >&2; echo 3; printf 4");
    await daemon.ok("wait", "talks");
    assert.deepEqual(await daemon.berth(["logs", "talks"]), { status: 0, stdout: "1\n3\n4", stderr: "2\n" });
    // Which of two streams is read first is nobody's promise: lines are counted where there is one.
    await daemon.ok("run", "-d", "--name", "counts", "busybox", "sh", "-c", "echo 1; echo 3; printf 4");
    await daemon.ok("wait", "counts");
    assert.equal(await daemon.ok("logs", "-f", "-n", "2", "counts"), "3\n4");
    assert.match(
      await daemon.ok("logs", "-t", "--tail=1", "counts"),
      /^\d{4}-\d\d-\d\dT[\d:]{8}\.\d+(Z|[+-]\d\d:\d\d) 4$/,
    );
    assert.equal(await daemon.ok("logs", "--until", "1h", "talks"), "");
    assert.equal((await daemon.berth(["logs", "--since", "1h", "talks"])).stdout, "1\n3\n4");
    const bad = await daemon.berth(["logs", "--since", "yesterday", "talks"]);
    assert.equal(bad.status, 1);
    await daemon.ok("rm", "talks", "counts");
  });

  test("events: what happened, in order, filtered and formatted", async () => {
    const since = String(Date.now() / 1000);
    await daemon.ok("run", "--rm", "--name", "brief", "busybox", "true");
    const actions = await daemon.ok(
      "events",
      "--since",
      since,
      "--until",
      "0s",
      "-f",
      "container=brief",
      "--format",
      "{{.Action}}",
    );
    assert.deepEqual(
      actions.split("\n").filter((action) => ["create", "start", "die", "destroy"].includes(action)),
      ["create", "start", "die", "destroy"],
    );
    const line = await daemon.ok("events", "--since", since, "--until", "0s", "-f", "event=die");
    assert.match(line, /^\d{4}-\S+ container die [0-9a-f]{64} \(exitCode=0, image=busybox, name=brief\)$/);
    const json = JSON.parse(
      await daemon.ok("events", "--since", since, "--until", "0s", "-f", "event=die", "--format", "{{json .}}"),
    );
    assert.equal(json.Actor.Attributes.name, "brief");
  });

  test("version and info, whole and through templates", async () => {
    assert.match(await daemon.ok("version"), /^Client:\n Version: +\S+\n[^]*\n\nServer:\n Version: +\S+\n/);
    assert.equal(await daemon.ok("version", "--format", "{{.Server.Os}}"), "linux");
    assert.match(await daemon.ok("info"), /\nServer:\n Containers: \d+\n[^]*\n Root Dir: /);
    assert.equal(await daemon.ok("info", "-f", "{{.DockerRootDir}}"), daemon.root);
    assert.equal(JSON.parse(await daemon.ok("info", "--format", "json")).Driver, "overlay");
  });
});
