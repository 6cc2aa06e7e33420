// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { makeFifo } from "./fifo.ts";

void test("makes a FIFO with the mode, and refuses a name that exists", () => {
  const directory = mkdtempSync(join(tmpdir(), "berth-fifo-"));
  try {
    const path = join(directory, "log");
    makeFifo(path, 0o600);
    const status = statSync(path);
    assert.ok(status.isFIFO());
    assert.equal(status.mode & 0o777, 0o600);
    assert.throws(() => makeFifo(path), { code: "EEXIST", syscall: "mkfifo" });
    assert.throws(() => makeFifo(join(directory, "none", "log")), { code: "ENOENT" });
  } finally {
    rmSync(directory, { recursive: true });
  }
});
