// SPDX-License-Identifier: Apache-2.0
// The built programs in dist/, which people run: from there they find their worker threads, the native packages and the
// init program.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";
import { startDaemon } from "../support/daemon.ts";

const dist = path.join(import.meta.dirname, "../../dist");
assert.ok(existsSync(path.join(dist, "daemon.mjs")), "nothing in dist/: run 'make build'");
const daemon = await startDaemon({ after }, { program: "dist/daemon.mjs" });

async function berth(...args: readonly string[]): Promise<string> {
  const environment = { ...process.env, BERTH_HOST: daemon.host };
  const { stdout } = await promisify(execFile)(path.join(dist, "../bin/berth"), args, { env: environment });
  return stdout;
}

test("the bundles know their version", async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [path.join(dist, "daemon.mjs"), "--version"]);
  assert.match(stdout, /^berth \d+\.\d+\.\d+/);
  assert.match(await berth("--version"), /\d+\.\d+\.\d+/);
});

test("the workers unpack a layer and make namespaces, and --init finds its program", async () => {
  await daemon.importBusybox();
  const script = "cat /proc/1/comm; hostname; ls /sys/class/net";
  const output = await berth("run", "--rm", "--init", "--hostname", "bundled", "busybox", "sh", "-c", script);
  assert.deepEqual(output.split("\n").slice(0, 2), ["berth-init", "bundled"]);
  assert.match(output, /^eth0$/m);
});
