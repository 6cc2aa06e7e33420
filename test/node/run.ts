// SPDX-License-Identifier: Apache-2.0
// make node-test: the real kubelet on Berth for MINUTES (ten unless told), where it cannot change the machine.

import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { readCgroupLayout } from "../../src/linux/cgroup/layout.ts";
import { ensureRuntime } from "../conformance/cri/tools.ts";
import { ensureKubelet } from "./kubelet/tools.ts";

try {
  await ensureKubelet();
  await ensureRuntime("runc");
  process.exitCode = await perform();
} catch (error) {
  console.error(`node-test: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}

/** In a session of its own, so that Ctrl-C does not reach the engine: the run is told, and ends everything in order. */
async function perform(): Promise<number> {
  const { hybrid, hierarchies } = await readCgroupLayout();
  const unified = hybrid ? hierarchies.find(({ name }) => name === "") : undefined;
  const script = path.join(import.meta.dirname, "single-run.ts");
  const child = spawn(
    path.join(import.meta.dirname, "isolate.sh"),
    [process.execPath, "--disable-warning=ExperimentalWarning", script],
    { stdio: "inherit", detached: true, env: { ...process.env, HIDE: unified?.mountPoint ?? "" } },
  );
  const tell = (signal: NodeJS.Signals) => void child.kill(signal);
  process.on("SIGINT", tell).on("SIGTERM", tell);
  const [code] = (await once(child, "exit")) as [number | null];
  return code ?? 1;
}
