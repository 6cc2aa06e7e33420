// SPDX-License-Identifier: Apache-2.0
// One run of the matrix, in a process of its own: registry, engine, critest, and nothing left of them. run.ts starts it,
// in a private mount namespace where the runtime needs one. Exit code 0 when all is as expected.

import { existsSync } from "node:fs";
import { chmod, copyFile, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { unmountAll } from "../../../src/linux/mount/unmount.ts";
import { assertNoLeaks, snapshotMachine } from "../../support/leaks.ts";
import { Crictl, writeCrictlConfig } from "./crictl.ts";
import { runCritest } from "./critest.ts";
import { makePodNetwork } from "./engines/pod-network.ts";
import { startEngine } from "./engines/start-engine.ts";
import { judgeReport } from "./judge-report.ts";
import { type Run, selectRuns } from "./matrix.ts";
import { startMirrors } from "./mirrors.ts";
import { focus, reportFile, reportsDirectory } from "./settings.ts";
import { ensureCritest, ensureRuntime } from "./tools.ts";

const cleanupDeadlineMs = 60_000;
const [name = ""] = process.argv.slice(2);
const [run] = selectRuns(name);
if (name === "" || run === undefined) throw new Error("which run?");
const interruption = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => interruption.abort(new Error(`interrupted by ${signal}`)));
}
try {
  process.exitCode = (await perform(run, interruption.signal)) ? 0 : 1;
} catch (error) {
  console.error(`${run.name}: ${describe(error)}`);
  process.exitCode = 1;
}

async function perform(run: Run, signal: AbortSignal): Promise<boolean> {
  await mkdir(reportsDirectory, { recursive: true });
  // An old report would pass for a new one.
  await rm(reportFile(run), { force: true });
  const before = await snapshotMachine();
  const marks: string[] = [];
  const isAsExpected = await runInScratch(run, marks, signal);
  await assertNoLeaks(before, { marks });
  return isAsExpected;
}

/** Tells the marks of what it makes, all of which is gone when it returns. */
async function runInScratch(run: Run, marks: string[], signal: AbortSignal): Promise<boolean> {
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp(path.join(tmpdir(), "berth-critest-"));
  stack.defer(async () => {
    // Specs about mounts may have been interrupted.
    await unmountAll(directory);
    await rm(directory, { recursive: true, force: true });
  });
  // The root of a user namespace has to get through.
  await chmod(directory, 0o711);
  const network = await makePodNetwork(directory);
  stack.defer(async () => await network.close());
  marks.push(path.basename(directory), network.mark);
  const [programs, runtime] = await Promise.all([ensureCritest(), ensureRuntime(run.runtime)]);
  const hostsDirectory = path.join(directory, "hosts");
  stack.use(await startMirrors(hostsDirectory, { signal }));
  const engine = await startEngine({ directory, runtime, hostsDirectory, networkDirectory: network.configDirectory });
  stack.defer(async () => {
    if (existsSync(engine.logFile)) await copyFile(engine.logFile, besideReport(run, ".engine.log"));
    await engine.close();
  });
  const config = path.join(directory, "crictl.yaml");
  await writeCrictlConfig(config, engine.socket);
  const crictl = new Crictl(programs, config);
  await crictl.ready(signal);
  // Those of an interrupted run; not by the signal that interrupted it.
  stack.defer(async () => void (await crictl.removeAllPods(AbortSignal.timeout(cleanupDeadlineMs))));
  const options = { programs, socket: engine.socket, directory, report: reportFile(run) };
  const started = performance.now();
  await runCritest(
    run,
    { ...options, logFile: besideReport(run, ".log"), ...(focus !== undefined && { focus }) },
    signal,
  );
  const isGoodReport = await judgeReport(run, performance.now() - started);
  const pods = await crictl.removeAllPods(signal);
  if (pods.length > 0) console.log(`  left behind: ${pods.length} pods`);
  return isGoodReport && pods.length === 0;
}

function besideReport(run: Run, suffix: string): string {
  return reportFile(run).replace(/\.xml$/, suffix);
}

function describe(error: unknown): string {
  if (error instanceof SuppressedError) return `${describe(error.suppressed)}; then ${describe(error.error)}`;
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}: ${describe(error.cause)}`;
}
