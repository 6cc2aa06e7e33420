// SPDX-License-Identifier: Apache-2.0
// What a container's first process is: who it runs as, where, with what around it, and how it ends.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { suite, test } from "node:test";
import { eventually } from "../../support/daemon.ts";
import { execOutput, outputOf, type RunInit, runContainer, startContainer } from "../../support/run-container.ts";
import { suiteDaemon } from "../../support/suite-daemon.ts";

suite("processes", () => {
  const at = suiteDaemon();
  const output = async (script: string, init: RunInit = {}) => await outputOf(at.client, script, init);

  test("users and groups are looked up in the image's files", async () => {
    const script = "echo $(id -u):$(id -g) $(id -G) $HOME";
    for (const [user, expected] of [
      ["", "0:0 0 /root"],
      ["web", "33:33 33 50 /var/www"],
      ["33", "33:33 33 50 /var/www"],
      ["web:extra", "33:50 50 /var/www"],
      ["web:1234", "33:1234 1234 /var/www"],
      ["4242", "4242:0 0 /"],
      ["4242:4343", "4242:4343 4343 /"],
    ] as const) {
      assert.equal(await output(script, { user }), expected, `--user=${user}`);
    }
    assert.equal(await output("id -G", { user: "web:web", groupAdd: ["extra", "777"] }), "33 50 777");
  });

  test("an unknown user or group is refused at start with its name, and the container says so", async () => {
    for (const [init, message] of [
      [{ user: "nobody-here" }, /unable to find user nobody-here: no matching entries in passwd file/],
      [{ groupAdd: ["no-group"] }, /unable to find group no-group: no matching entries in group file/],
    ] satisfies [RunInit, RegExp][]) {
      const { id } = await at.client.containers.create({ image: "busybox", ...init });
      await assert.rejects(at.client.containers.start(id), { message });
      assert.match((await at.client.containers.inspect(id)).state?.error ?? "", message);
      await at.client.containers.remove(id);
    }
  });

  test("a missing working directory is made for the user", async () => {
    const init = { workingDirectory: "/srv/deep/down", user: "web" };
    assert.equal(
      await output("pwd; stat -c '%u:%g %a' .; touch file && echo written", init),
      "/srv/deep/down\n33:33 755\nwritten",
    );
  });

  test("a working directory is not made outside of the root through a link", async () => {
    await at.daemon.importBusybox("linked", ["WORKDIR /tmp"]);
    const id = await startContainer(at.client, { image: "linked" });
    assert.equal(await execOutput(at.client, id, "pwd"), "/tmp");
    await at.client.containers.remove(id, { force: true });
  });

  test("limits are those that were asked for, and open files have a default", async () => {
    const ulimits = [
      { name: "nofile", soft: 300n, hard: 400n },
      { name: "core", soft: 0n, hard: 0n },
    ];
    assert.equal(await output("ulimit -Sn; ulimit -Hn; ulimit -c", { ulimits }), "300\n400\n0");
    assert.equal(await output("ulimit -Sn"), "1024");
  });

  test("a limit that cannot be given is refused with the reason", async (t) => {
    const status = await readFile("/proc/self/status", "utf8");
    const mayRaise = (BigInt(`0x${/^CapEff:\s*(\w+)$/m.exec(status)?.[1] ?? "0"}`) & (1n << 24n)) !== 0n;
    if (mayRaise) return t.skip("this machine may raise every limit");
    const ulimits = [{ name: "nofile", soft: 1n << 30n, hard: 1n << 30n }];
    await assert.rejects(at.client.containers.create({ image: "busybox", ulimits }), {
      code: "failed-precondition",
      message: /cannot set ulimit nofile to 1073741824: the daemon's own hard limit is \d+/,
    });
  });

  test("the image's environment, the container's and the engine's come together", async () => {
    await at.daemon.importBusybox("environment", ["ENV A=image", "ENV B=image", "ENV PATH=/bin:/opt"]);
    const init = { image: "environment", environment: ["B=container", "C=with space=and sign", "A"], hostname: "h" };
    assert.deepEqual(
      (await output("env", init))
        .split("\n")
        .filter((line) => !/^(SHLVL|PWD)=/.test(line))
        .toSorted(),
      ["B=container", "C=with space=and sign", "HOME=/root", "HOSTNAME=h", "PATH=/bin:/opt"],
    );
    assert.equal(await output("echo $HOME", { environment: ["HOME=/elsewhere"] }), "/elsewhere");
    assert.match(await output("echo $TERM; exit 0", { terminal: true }), /^xterm\r?$/);
  });

  test("entrypoint and command of image and user combine as Docker's do", async () => {
    await at.daemon.importBusybox("entry", ['ENTRYPOINT ["echo", "entry"]', 'CMD ["image"]']);
    const said = async (init: RunInit) =>
      (await runContainer(at.client, "", { image: "entry", ...init })).stdout.trim();
    assert.equal(await said({ command: [] }), "entry image");
    assert.equal(await said({ command: ["user"] }), "entry user");
    assert.equal(await said({ entrypoint: { values: ["echo", "own"] }, command: [] }), "own");
    assert.equal(await said({ entrypoint: { values: ["echo"] }, command: ["own", "user"] }), "own user");
    assert.equal(await said({ entrypoint: { values: [] }, command: ["echo", "cleared"] }), "cleared");
    await at.daemon.importBusybox("bare", []);
    await assert.rejects(at.client.containers.create({ image: "bare" }), { message: /no command specified/ });
  });

  test("the name of the machine is the container's short id, or what was asked for", async () => {
    const { id, stdout } = await runContainer(at.client, "hostname; cat /etc/hostname");
    assert.equal(stdout, `${id.slice(0, 12)}\n`.repeat(2));
    const init = { hostname: "box", domainname: "example.org" };
    assert.equal(
      await output("hostname; hostname -f; cat /etc/hostname /proc/sys/kernel/domainname", init),
      "box\nbox.example.org\nbox\nexample.org",
    );
  });

  test("without an init process 1 is the command; with one it reaps orphans and passes signals and exit codes on", async () => {
    assert.equal(await output("tr '\\0' '\\n' </proc/1/cmdline | head -n 1"), "sh");
    const script = "trap 'echo caught; exit 7' USR1; (sleep 0.1 &) ; echo $$; while :; do sleep 0.05; done";
    const id = await startContainer(at.client, { init: true, command: ["sh", "-c", script] });
    const zombies = async () => await execOutput(at.client, id, "cat /proc/[0-9]*/stat | grep -c ') Z ' || true");
    await execOutput(at.client, id, "(true &); sleep 0.1");
    await eventually("every orphan to be reaped", async () => ((await zombies()) === "0" ? true : undefined));
    assert.match(await execOutput(at.client, id, "tr '\\0' '\\n' </proc/1/cmdline | head -n 1"), /init$/);
    const { exit } = await at.client.containers.wait(id);
    await at.client.containers.kill(id, { posixSignal: "USR1" });
    assert.equal((await exit).exitCode, 7);
    let log = "";
    for await (const { content } of at.client.containers.logs(id)) log += Buffer.from(content).toString();
    assert.match(log, /^\d+\ncaught\n$/);
    await at.client.containers.remove(id);
  });

  test("stop sends the image's stop signal, and the container's before that", async () => {
    await at.daemon.importBusybox("stopping", ["STOPSIGNAL SIGUSR1"]);
    const script =
      "trap 'exit 21' USR1; trap 'exit 22' USR2; trap 'exit 23' TERM; echo ready; while :; do sleep 0.05; done";
    for (const [init, exitCode] of [
      [{ image: "stopping" }, 21],
      [{ image: "stopping", stopSignal: "SIGUSR2" }, 22],
      [{}, 23],
    ] as const) {
      const id = await startContainer(at.client, { ...init, command: ["sh", "-c", script] });
      await eventually("the traps", async () => {
        for await (const { content } of at.client.containers.logs(id)) return content.length > 0;
        return undefined;
      });
      await at.client.containers.stop(id);
      assert.equal((await at.client.containers.inspect(id)).state?.exitCode, exitCode);
      await at.client.containers.remove(id);
    }
  });

  test("the OOM score is what was asked for", async () => {
    assert.equal(await output("cat /proc/self/oom_score_adj", { oomScoreAdj: 500 }), "500");
    const refused = at.client.containers.create({ image: "busybox", oomScoreAdj: 1001 });
    await assert.rejects(refused, { message: /range for oom score adj is \[-1000, 1000\]/ });
  });
});
