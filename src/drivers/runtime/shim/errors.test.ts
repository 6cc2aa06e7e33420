// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { EngineError } from "../../../base/errors.ts";
import { isGone, withRuntimeLog } from "./errors.ts";

void test("what the runtime logged is added to a vague error and not repeated in a clear one", async () => {
  const bundle = await mkdtemp(join(tmpdir(), "berth-errors-"));
  try {
    const error = (message: string) => withRuntimeLog(new EngineError("unknown", message), bundle);
    const vague = 'unable to retrieve OCI runtime error: exec: "runc": executable file not found in $PATH';
    assert.doesNotMatch((await error(vague)).message, /not found/);
    assert.equal((await error("exit status 1")).message, "exit status 1");
    const lines = [
      { level: "error", msg: "older" },
      { level: "error", msg: 'exec: "nope": executable file not found in $PATH' },
      { level: "info", msg: "later" },
    ];
    await writeFile(join(bundle, "log.json"), `${lines.map((line) => JSON.stringify(line)).join("\n")}\n{half a li`);
    const logged = lines[1]?.msg ?? "";
    assert.equal((await error("exit status 1")).message, `exit status 1: ${logged}`);
    assert.equal((await error(`create failed: ${logged}: unknown`)).message, `create failed: ${logged}: unknown`);
    assert.equal((await error(vague)).message, logged);
  } finally {
    await rm(bundle, { recursive: true });
  }
});

void test("runtimes say in many ways that a process has ended", () => {
  assert.ok(isGone(new EngineError("not-found", "process already finished")));
  assert.ok(isGone(new EngineError("unknown", "kill container: No such process")));
  assert.ok(isGone(new EngineError("unknown", "container not running")));
  assert.ok(isGone(new EngineError("unknown", "cannot update a stopped container")));
  assert.ok(!isGone(new EngineError("unknown", "cannot exec in a paused container")));
  assert.ok(!isGone(new EngineError("unavailable", "the shim is not running")));
});
