// SPDX-License-Identifier: Apache-2.0
// One run of critest against a socket: its JUnit report and its output.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { mkdir, rename } from "node:fs/promises";
import path from "node:path";
import { leftOut } from "./expectations.ts";
import type { Run } from "./matrix.ts";

/** As many as the suite's own CI runs at once. */
const parallelSpecs = 8;
/** Many times what the suite takes. */
const suiteDeadline = "30m";
/** A bare name: relative to the working directory, and in a parallel run first to ginkgo's, which ends there too. */
const reportName = "report.xml";

export interface CritestOptions {
  /** Where critest and ginkgo are. */
  readonly programs: string;
  readonly socket: string;
  /** Scratch. */
  readonly directory: string;
  readonly report: string;
  readonly logFile: string;
  /** Specs to run, as regular expressions; all unless told. */
  readonly focus?: string;
}

/** Its exit code; undefined when a signal ended it. */
export async function runCritest(run: Run, options: CritestOptions, signal: AbortSignal): Promise<number | undefined> {
  const temporary = path.join(options.directory, "tmp");
  await mkdir(temporary, { recursive: true });
  const log = openSync(options.logFile, "w");
  const child = spawn(path.join(options.programs, "critest"), critestArguments(run, options), {
    cwd: options.directory,
    stdio: ["ignore", log, log],
    // A process group: in a parallel run critest is ginkgo's parent, and that one the parent of eight more.
    detached: true,
    env: { ...process.env, TMPDIR: temporary, PATH: `${options.programs}:${process.env["PATH"]}` },
  });
  closeSync(log);
  const end = () => killGroup(child);
  signal.addEventListener("abort", end);
  try {
    const [code] = (await once(child, "exit")) as [number | null];
    signal.throwIfAborted();
    await rename(path.join(options.directory, reportName), options.report);
    return code ?? undefined;
  } finally {
    signal.removeEventListener("abort", end);
    // Whatever it did not wait for.
    killGroup(child);
  }
}

function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    // all of it has ended
  }
}

function critestArguments(run: Run, { socket, focus }: CritestOptions): readonly string[] {
  return [
    `-runtime-handler=${run.runtime}`,
    `-runtime-endpoint=unix://${socket}`,
    `-image-endpoint=unix://${socket}`,
    `-ginkgo.junit-report=${reportName}`,
    "-ginkgo.no-color",
    "-ginkgo.vv",
    `-ginkgo.timeout=${suiteDeadline}`,
    ...leftOut.map(({ spec }) => `-ginkgo.skip=${spec}`),
    ...(focus === undefined ? [] : [`-ginkgo.focus=${focus}`]),
    ...(run.isParallel ? [`-parallel=${parallelSpecs}`] : []),
    ...(run.streaming === "websocket" ? ["exec", "attach", "portforward"].map((use) => `-websocket-${use}`) : []),
  ];
}
