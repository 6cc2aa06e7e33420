// SPDX-License-Identifier: Apache-2.0
// A run inside its mount namespace: sets up, plays the scenario, reads the kubelet's log, and sees that nothing is left.

import { chmod, copyFile, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { unmountAll } from "../../src/linux/mount/unmount.ts";
import { ensureRuntime } from "../conformance/cri/tools.ts";
import { assertNoLeaks, snapshotMachine } from "../support/leaks.ts";
import { unexplained } from "./kubelet/log.ts";
import { ensureKubelet } from "./kubelet/tools.ts";
import { type Handler, openNode } from "./open-node.ts";
import { Scenario } from "./scenario.ts";

const minutes = Number(process.env["MINUTES"] ?? "10");
const reportsDirectory = path.join(import.meta.dirname, "../../build/node-test");
const started = Date.now();

const interruption = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => interruption.abort(new Error(`interrupted by ${signal}`)));
}
try {
  await perform(interruption.signal);
  say(`passed; logs are in ${path.relative(process.cwd(), reportsDirectory)}`);
} catch (error) {
  say(`FAILED: ${describe(error)}`);
  process.exitCode = 1;
}

async function perform(signal: AbortSignal): Promise<void> {
  await mkdir(reportsDirectory, { recursive: true });
  const before = await snapshotMachine();
  const marks: string[] = [];
  await runInScratch(marks, signal);
  await assertNoLeaks(before, { marks });
  say("nothing of it is left on the machine");
}

/** Tells the marks of what it makes, all of which is gone when it returns. */
async function runInScratch(marks: string[], signal: AbortSignal): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp(path.join(tmpdir(), "berth-node-"));
  stack.defer(async () => {
    await unmountAll(directory);
    await rm(directory, { recursive: true, force: true });
  });
  // The root of a user namespace has to get through.
  await chmod(directory, 0o711);
  const options = { directory, reportsDirectory, kubelet: await ensureKubelet(), handlers: await allHandlers() };
  const opened = stack.use(await openNode(options, { signal }));
  marks.push(...opened.marks);
  const { kubelet } = opened.node;
  stack.defer(async () => await copyFile(kubelet.logFile, path.join(reportsDirectory, "kubelet.log")));
  say("daemon and registry run");
  const scenario = new Scenario(opened.node, say);
  const interrupted = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason as Error));
  });
  await Promise.race([scenario.play(started + minutes * 60_000), interrupted]);
  await kubelet.stop();
  const trouble = unexplained(await kubelet.log(), scenario.episodes);
  if (trouble.length > 0)
    throw new Error(`the kubelet's log has ${trouble.length} lines of trouble:\n${trouble.slice(0, 40).join("\n")}`);
  say("the kubelet logged no error of the runtime");
}

/** Each OCI runtime, one of them with a task that stands for the pod, and one chosen by annotation. */
async function allHandlers(): Promise<readonly Handler[]> {
  const runc = await ensureRuntime("runc");
  const crun = await ensureRuntime("crun");
  return [
    { ...runc, sandboxer: "namespaces" },
    { ...runc, handler: "task", sandboxer: "task" },
    { ...crun, sandboxer: "namespaces" },
    { ...crun, handler: "untrusted", sandboxer: "namespaces" },
  ];
}

function say(line: string): void {
  console.log(`${((Date.now() - started) / 1000).toFixed(0).padStart(4)} s  ${line}`);
}

function describe(error: unknown): string {
  if (error instanceof SuppressedError) return `${describe(error.suppressed)}; then ${describe(error.error)}`;
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}: ${describe(error.cause)}`;
}
