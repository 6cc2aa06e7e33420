// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { once } from "node:events";
import process from "node:process";
import { test } from "node:test";
import { onProxiedSignal, proxiedSignals } from "./signals.ts";

for (const name of ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2", "SIGCONT", "SIGTSTP"] as const) {
  test(`${name} is passed on`, () => {
    assert.ok(proxiedSignals.includes(name));
  });
}

for (const name of ["SIGKILL", "SIGSTOP", "SIGCHLD", "SIGPIPE", "SIGURG", "SIGWINCH", "SIGSEGV"] as const) {
  test(`${name} is not passed on`, () => {
    assert.ok(!proxiedSignals.includes(name));
  });
}

test("no signal is listed under two names", () => {
  assert.ok(!proxiedSignals.some((name) => ["SIGIOT", "SIGPOLL", "SIGUNUSED"].includes(name)));
});

test("signals of this process arrive until it is disposed of", async () => {
  const before = proxiedSignals.map((name) => process.listenerCount(name));
  const seen: string[] = [];
  {
    using _proxy = onProxiedSignal((name) => seen.push(name));
    for (const name of ["SIGHUP", "SIGTERM"] as const) {
      const arrived = once(process, name);
      process.kill(process.pid, name);
      await arrived;
    }
  }
  assert.deepEqual(seen, ["SIGHUP", "SIGTERM"]);
  assert.deepEqual(
    proxiedSignals.map((name) => process.listenerCount(name)),
    before,
  );
});
