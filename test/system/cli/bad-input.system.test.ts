// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { after, afterEach, suite, test } from "node:test";
import { startDaemon } from "../../support/daemon.ts";

const see = (command: string) => `See 'berth ${command} --help'.\n`;
const fromDaemon = "berth: Error response from daemon: ";

suite("bad input to the berth command", async () => {
  const daemon = await startDaemon({ after });
  await daemon.importBusybox();

  afterEach(async () => {
    assert.equal(await daemon.ok("ps", "-aq"), "", "no container is left behind");
  });

  for (const [title, argv, exitCode, message] of [
    ["a command that is not there", ["run", "--rm", "busybox", "nope"], 127, /exec: "nope": executable file not found in \$PATH/],
    ["a directory as command", ["run", "--rm", "busybox", "/etc"], 126, /exec: "\/etc": (permission denied|is a directory)/],
    ["a file that is not executable", ["run", "--rm", "busybox", "/etc/passwd"], 126, /"\/etc\/passwd": permission denied/],
    ["an unknown user", ["run", "--rm", "-u", "nobody-knows", "busybox", "true"], 125, /unable to find user nobody-knows: no matching entries in passwd file/],
    ["a bind source that is missing", ["run", "--rm", "--mount", "type=bind,src=/nonexistent,dst=/x", "busybox", "true"], 125, /bind source path does not exist: \/nonexistent/],
    ["a capability that is none", ["run", "--rm", "--cap-add", "NOPE", "busybox", "true"], 125, /NOPE/],
    ["a runtime that is not there", ["run", "--rm", "--runtime", "nope", "busybox", "true"], 125, /nope/],
    ["a network that is not there", ["run", "--rm", "--network", "container:nope", "busybox", "true"], 125, /nope/],
    ["an image that may not be pulled", ["run", "--rm", "--pull", "never", "nope", "true"], 125, /no such image: nope:latest/i],
    ["a name that is none", ["run", "--rm", "BusyBox", "true"], 125, /must be lowercase/],
  ] as const) {
    test(title, async () => {
      const { status, stdout, stderr } = await daemon.berth(argv);
      assert.deepEqual({ status, stdout }, { status: exitCode, stdout: "" }, stderr);
      assert.match(stderr, message);
      assert.ok(stderr.startsWith(fromDaemon), stderr);
      assert.ok(stderr.endsWith(`\n${see("run")}`), stderr);
    });
  } // biome-ignore format: a table

  test("an image from a registry that does not answer", async () => {
    const { status, stdout, stderr } = await daemon.berth(["run", "--rm", "127.0.0.1:9/nope", "true"]);
    assert.deepEqual({ status, stdout }, { status: 125, stdout: "" });
    assert.match(
      stderr,
      /^Unable to find image '127\.0\.0\.1:9\/nope:latest' locally\nberth: Error response from daemon: .*127\.0\.0\.1:9.*refused/,
    );
  });

  test("a port that is taken", async () => {
    await daemon.ok("run", "-d", "--name", "first", "-p", "127.0.0.1::80", "busybox", "sleep", "99");
    const port = await daemon.ok(
      "inspect",
      "-f",
      '{{(index (index .NetworkSettings.Ports "80/tcp") 0).HostPort}}',
      "first",
    );
    const { status, stderr } = await daemon.berth(["run", "--rm", "-p", `127.0.0.1:${port}:80`, "busybox", "true"]);
    assert.equal(status, 125);
    assert.match(stderr, new RegExp(`Bind for 127\\.0\\.0\\.1:${port} failed: port is already allocated`));
    await daemon.ok("rm", "-f", "first");
  });

  test("exec: not there, not executable, not running, no such container", async () => {
    await daemon.ok("run", "-d", "--name", "host", "busybox", "sleep", "99");
    const failure = async (...argv: string[]) => {
      const { status, stderr } = await daemon.berth(["exec", ...argv]);
      return `${status} ${stderr}`;
    };
    assert.match(
      await failure("host", "nope"),
      /^127 Error response from daemon: .*executable file not found in \$PATH\n$/,
    );
    assert.match(await failure("host", "/etc"), /^126 Error response from daemon: .*permission denied\n$/);
    await daemon.ok("kill", "host");
    await daemon.ok("wait", "host");
    assert.match(await failure("host", "true"), /^125 Error response from daemon: .*is not running\n$/);
    await daemon.ok("rm", "host");
    assert.match(await failure("host", "true"), /^125 Error response from daemon: no such container: host\n$/i);
  });

  test("objects that are not there", async () => {
    assert.deepEqual(await daemon.berth(["inspect", "nope"]), {
      status: 1,
      stdout: "[]\n",
      stderr: "Error: No such object: nope\n",
    });
    assert.deepEqual(await daemon.berth(["inspect", "--type", "image", "nope"]), {
      status: 1,
      stdout: "[]\n",
      stderr: "Error: No such image: nope\n",
    });
    const commands = ["rm", "stop", "kill", "logs", "wait", "start"];
    for (const { status, stdout, stderr } of await Promise.all(
      commands.map(async (command) => await daemon.berth([command, "nope"])),
    )) {
      assert.deepEqual({ status, stdout }, { status: 1, stdout: "" });
      assert.match(stderr, /^Error response from daemon: no such container: nope\n/i);
    }
    assert.equal((await daemon.berth(["rm", "-f", "nope"])).status, 0);
    assert.match(
      (await daemon.berth(["rmi", "nope"])).stderr,
      /^Error response from daemon: no such image: nope:latest\n$/i,
    );
  });

  test("a name that is taken, and a container that runs", async () => {
    await daemon.ok("run", "-d", "--name", "taken", "busybox", "sleep", "99");
    const twice = await daemon.berth(["run", "--name", "taken", "busybox", "true"]);
    assert.equal(twice.status, 125);
    assert.match(twice.stderr, /container name "\/taken" is already in use by container/);
    const running = await daemon.berth(["rm", "taken"]);
    assert.equal(running.status, 1);
    assert.match(running.stderr, /container is running/);
    await daemon.ok("rm", "-f", "taken");
  });
});
