// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { exitedState } from "./container-exit.ts";

test("a container does not finish before it started", () => {
  const running = { status: "running", pid: 7, exitCode: 0, oomKilled: false, error: "", startedAt: 2000 } as const;
  const finishedAt = (exitedAt: number) => exitedState(running, { exitCode: 0, exitedAt, oomKilled: false }).finishedAt;
  assert.equal(finishedAt(1990), 2000);
  assert.equal(finishedAt(2010), 2010);
});
