// SPDX-License-Identifier: Apache-2.0
// The real kubelet without an API server: it takes pods from a directory of manifests.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { eventually } from "../../support/daemon.ts";
import type { Pod, PodManifest, StatsSummary } from "./api.ts";
import {
  type FeatureGates,
  type KubeletSetup,
  kubeletConfiguration,
  kubeletFlags,
  manifestDirectory,
  podLogsDirectory,
} from "./config.ts";

const readyDeadlineMs = 60_000;

export class Kubelet implements AsyncDisposable {
  readonly setup: KubeletSetup;
  readonly #program: string;
  #process: ChildProcess | undefined;

  constructor(program: string, setup: KubeletSetup) {
    this.#program = program;
    this.setup = setup;
  }

  get logFile(): string {
    return path.join(this.setup.directory, "kubelet.log");
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Starts it (again) and waits until it answers. */
  async start(featureGates: FeatureGates = {}): Promise<void> {
    const { directory } = this.setup;
    for (const needed of [manifestDirectory(this.setup), podLogsDirectory(this.setup)])
      await mkdir(needed, { recursive: true });
    const config = path.join(directory, "kubelet.json");
    await writeFile(config, JSON.stringify(kubeletConfiguration(this.setup, featureGates)));
    const log = openSync(this.logFile, "a");
    const command = [this.#program, `--config=${config}`, ...kubeletFlags(this.setup)];
    const child = spawn(
      path.join(import.meta.dirname, "isolate.sh"),
      [path.join(directory, "kernel-parameters"), ...command],
      { stdio: ["ignore", log, log] },
    );
    closeSync(log);
    this.#process = child;
    const isReady = async () => {
      if (child.exitCode !== null) throw new Error(`the kubelet ended:\n${(await this.log()).slice(-4000)}`);
      return (await this.#get("/pods").catch(() => undefined)) !== undefined; // it does not listen yet
    };
    await eventually("the kubelet's API", isReady, readyDeadlineMs);
  }

  /** Containers stay. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill(signal);
    await exited;
  }

  /** Adds a static pod, or changes it. */
  async apply(manifest: PodManifest): Promise<void> {
    const file = this.#manifestFile(manifest.metadata.name);
    // Names that begin with a dot are no manifests.
    const fresh = path.join(path.dirname(file), `.${path.basename(file)}`);
    await writeFile(fresh, JSON.stringify(manifest));
    await rename(fresh, file);
  }

  async withdraw(name: string): Promise<void> {
    await rm(this.#manifestFile(name));
  }

  /** A static pod by the name in its manifest. */
  async findPod(name: string): Promise<Pod | undefined> {
    return (await this.pods()).find(({ metadata }) => metadata.name === this.podName(name));
  }

  async pods(): Promise<readonly Pod[]> {
    return ((await this.#get("/pods")) as { readonly items: readonly Pod[] | null }).items ?? [];
  }

  async statsSummary(): Promise<StatsSummary> {
    return (await this.#get("/stats/summary")) as StatsSummary;
  }

  podName(name: string): string {
    return `${name}-${this.setup.nodeName}`;
  }

  async log(): Promise<string> {
    return await readFile(this.logFile, "utf8");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #manifestFile(name: string): string {
    return path.join(manifestDirectory(this.setup), `${name}.json`);
  }

  async #get(where: string): Promise<unknown> {
    const response = await fetch(`http://127.0.0.1:${this.setup.ports.readOnly}${where}`);
    const body = await response.text();
    if (!response.ok) throw new Error(`the kubelet answers ${where} with ${response.status}: ${body}`);
    return JSON.parse(body);
  }
}
