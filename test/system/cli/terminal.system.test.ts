// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { after, suite, test } from "node:test";
import { startDaemon } from "../../support/daemon.ts";
import { openTerminal } from "./terminal-session.ts";

const detachKeys = "\u0010\u0011";

suite("the berth command on a terminal", async () => {
  const daemon = await startDaemon({ after });
  await daemon.importBusybox();

  test("the container's terminal has the size of ours, keys arrive one by one, and the exit code is the shell's", async () => {
    const session = openTerminal(daemon, ["run", "--rm", "-it", "busybox"], { after: "stty -a | grep -o ' echo '" });
    await session.shows("# ");
    session.type("stty size\n");
    await session.shows("33 101");
    session.type("exit 7\n");
    assert.equal(await session.exit(), 7);
    assert.match(session.screen, / echo \s*$/, "the terminal echoes again");
  });

  test("Ctrl-C is a key for the container", async () => {
    const script = "trap 'echo caught; exit 9' INT; echo ready; while :; do sleep 0.1; done";
    const session = openTerminal(daemon, ["run", "--rm", "-it", "busybox", "sh", "-c", script]);
    await session.shows("ready");
    session.type("\u0003");
    assert.equal(await session.exit(), 9);
    await session.shows("caught");
  });

  test("full-screen programs get their bare newlines", async () => {
    const session = openTerminal(daemon, ["run", "--rm", "-it", "busybox", "sh", "-c", "stty -opost; printf 'a\\nb'"]);
    assert.equal(await session.exit(), 0);
    assert.match(session.screen, /a\nb/);
  });

  test("the detach keys leave the container running; attach comes back to it; exec has a terminal too", async () => {
    const first = openTerminal(daemon, ["run", "-it", "--name", "left", "busybox"]);
    await first.shows("# ");
    first.type(detachKeys);
    assert.equal(await first.exit(), 0);
    await first.shows("read escape sequence");
    assert.equal(await daemon.ok("inspect", "-f", "{{.State.Status}}", "left"), "running");

    const exec = openTerminal(daemon, ["exec", "-it", "left", "sh", "-c", "stty size; tty; exit 5"]);
    assert.equal(await exec.exit(), 5, exec.screen);
    assert.match(exec.screen, /33 101/);

    const second = openTerminal(daemon, ["attach", "--detach-keys", "ctrl-x,x", "left"]);
    second.type("echo $((40 + 2))\n");
    await second.shows("42");
    second.type("\u0018x");
    assert.equal(await second.exit(), 0);

    const third = openTerminal(daemon, ["attach", "left"]);
    third.type("exit 3\n");
    assert.equal(await third.exit(), 3);
  });
});
