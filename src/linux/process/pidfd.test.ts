// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { sigterm } from "../../base/posix-signal.ts";
import { openProcess } from "./pidfd.ts";

test("signals a process and sees it end, and never another one", async (t) => {
  const child = spawn("sleep", ["1000"], { stdio: "ignore" });
  t.after(() => child.kill("SIGKILL"));
  const exit = once(child, "exit");
  using handle = openProcess(child.pid ?? 0);
  assert.ok(handle);
  const aborted = new AbortController();
  const waiting = handle.ended({ signal: aborted.signal });
  aborted.abort();
  await assert.rejects(waiting, { name: "AbortError" });
  const ended = handle.ended({ signal: new AbortController().signal });
  assert.equal(handle.kill(sigterm), true);
  await ended;
  assert.deepEqual(await exit, [null, "SIGTERM"]);
  assert.equal(handle.kill(sigterm), false);
  assert.equal(openProcess(child.pid ?? 0), undefined);
});
