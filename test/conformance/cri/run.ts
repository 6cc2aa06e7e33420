// SPDX-License-Identifier: Apache-2.0
// make conformance: the runs of the matrix one after the other, then docs/conformance.md from their reports. RUNS names
// some of them, FOCUS some specs; ENGINE=containerd runs the same against containerd, to compare with.

import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { readCgroupLayout } from "../../../src/linux/cgroup/layout.ts";
import { writeDocument } from "./document.ts";
import { type Run, selectRuns } from "./matrix.ts";
import { isOfficial, reportsDirectory } from "./settings.ts";
import { ensureCritest, ensureRuntime } from "./tools.ts";

try {
  const runs = selectRuns(process.env["RUNS"] ?? "");
  await ensureCritest();
  for (const { runtime } of runs) await ensureRuntime(runtime);
  const failed: string[] = [];
  for (const run of runs) {
    if (!(await perform(run))) failed.push(run.name);
  }
  if (isOfficial && (await writeDocument())) console.log("wrote docs/conformance.md");
  if (failed.length > 0)
    throw new Error(
      `not as expected: ${failed.join(", ")}; their output is in ${path.relative(process.cwd(), reportsDirectory)}`,
    );
} catch (error) {
  console.error(`conformance: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}

/** In a session of its own, so that Ctrl-C does not reach the engine: the run is told, and ends everything in order. */
async function perform(run: Run): Promise<boolean> {
  const [command, ...rest] = [
    ...(await privateMounts(run)),
    process.execPath,
    "--disable-warning=ExperimentalWarning",
    path.join(import.meta.dirname, "single-run.ts"),
    run.name,
  ] as const;
  const child = spawn(command, rest, { stdio: "inherit", detached: true });
  let interruption: NodeJS.Signals | undefined;
  const tell = (signal: NodeJS.Signals) => {
    interruption = signal;
    child.kill(signal);
  };
  process.on("SIGINT", tell).on("SIGTERM", tell);
  try {
    const [code] = (await once(child, "exit")) as [number | null];
    if (interruption !== undefined) throw new Error(`interrupted by ${interruption}`);
    return code === 0;
  } finally {
    process.off("SIGINT", tell).off("SIGTERM", tell);
  }
}

/**
 * crun refuses a machine with both versions of cgroups. Engine and critest then share a private mount namespace without
 * the second one; shared again inside it, for there are specs about the propagation of mounts.
 */
async function privateMounts({ runtime }: Run): Promise<readonly string[]> {
  const { hybrid, hierarchies } = await readCgroupLayout();
  const unified = hierarchies.find(({ name }) => name === "");
  if (runtime !== "crun" || !hybrid || unified === undefined) return [];
  const script = 'umount "$0" && mount --make-rshared / && exec "$@"';
  return ["unshare", "--mount", "sh", "-c", script, unified.mountPoint];
}
