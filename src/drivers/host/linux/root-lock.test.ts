// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { lockRoot } from "./root-lock.ts";

test("refuses a second daemon on one root until the first ended, be it by SIGKILL", async (t) => {
  const directory = await mkdtemp(path.join(tmpdir(), "berth-lock-"));
  t.after(async () => await rm(directory, { recursive: true }));
  const root = path.join(directory, "root");
  const program = `import { lockRoot } from ${JSON.stringify(import.meta.resolve("./root-lock.ts"))};
    await lockRoot(${JSON.stringify(root)}); console.log("locked"); setInterval(() => {}, 1000);`;
  const other = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => other.kill("SIGKILL"));
  await once(other.stdout, "data");
  await assert.rejects(lockRoot(root), {
    code: "failed-precondition",
    message: `another berth daemon (pid ${other.pid}) uses ${root}; stop it or choose another --root`,
  });
  other.kill("SIGKILL");
  await once(other, "exit");
  {
    await using _first = await lockRoot(root);
    await assert.rejects(lockRoot(root), { message: new RegExp(`\\(pid ${process.pid}\\)`) });
  }
  await using _second = await lockRoot(root);
});
