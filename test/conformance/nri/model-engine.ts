// SPDX-License-Identifier: Apache-2.0
// An engine of plain data under the NRI driver: it makes pods and containers in the order that the seam asks for, and
// nothing runs.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { silentLogger } from "../../../src/base/log.ts";
import type { HookInventory, HookTarget } from "../../../src/core/hooks/hook-target.ts";
import type { ContainerEviction, ContainerUpdate, PodView } from "../../../src/core/hooks/hook-views.ts";
import type { HookedContainer, HookedView } from "../../../src/core/hooks/lifecycle-hooks.ts";
import { NriHooks, type NriOptions } from "../../../src/drivers/hooks/nri/nri-hooks.ts";
import type { RuntimeSpec } from "../../../src/oci/runtime/spec.ts";

export const signal = new AbortController().signal;

/** What every container begins with. */
export const plainSpec: RuntimeSpec = {
  ociVersion: "1.2.0",
  process: { user: { uid: 0, gid: 0 }, args: ["sh"], env: ["PATH=/bin", "A=1"], cwd: "/" },
  root: { path: "rootfs" },
  mounts: [
    { destination: "/proc", type: "proc", source: "proc", options: [] },
    { destination: "/data", type: "bind", source: "/srv", options: ["rbind"] },
  ],
  annotations: { keep: "yes" },
  linux: {
    namespaces: [{ type: "pid" }, { type: "network", path: "/run/netns/x" }],
    resources: { memory: { limit: 1000, swap: 1000 }, cpu: { shares: 100 } },
  },
};

export class ModelEngine implements HookTarget, AsyncDisposable {
  readonly pods = new Map<string, PodView>();
  readonly containers = new Map<string, HookedView>();
  readonly updates: ContainerUpdate[] = [];
  readonly evictions: ContainerEviction[] = [];
  readonly hooks: NriHooks;
  readonly socket: string;
  readonly directory: string;

  private constructor(directory: string, options: Partial<NriOptions>) {
    this.directory = directory;
    this.socket = path.join(directory, "nri.sock");
    this.hooks = new NriHooks({
      socket: this.socket,
      pluginDirectory: path.join(directory, "plugins"),
      configDirectory: path.join(directory, "conf.d"),
      registrationTimeoutMs: 15_000,
      requestTimeoutMs: 10_000,
      runtime: { name: "berth", version: "v0.0.1" },
      logger: silentLogger,
      ...options,
    });
  }

  /** Ready for plugins, after what the function did to it. */
  static async open(
    options: Partial<NriOptions> = {},
    prepare: (engine: ModelEngine) => Promise<void> = async () => {},
  ): Promise<ModelEngine> {
    const engine = new ModelEngine(await mkdtemp(path.join(tmpdir(), "berth-nri-engine-")), options);
    await prepare(engine);
    await engine.hooks.connect(engine, { signal });
    return engine;
  }

  async list(): Promise<HookInventory> {
    return { pods: [...this.pods.values()], containers: [...this.containers.values()] };
  }

  async update(updates: readonly ContainerUpdate[]): Promise<readonly ContainerUpdate[]> {
    this.updates.push(...updates);
    return updates.filter(({ containerId }) => !this.containers.has(containerId));
  }

  async evict(evictions: readonly ContainerEviction[]): Promise<void> {
    this.evictions.push(...evictions);
  }

  async runPod(id: string): Promise<PodView> {
    const pod: PodView = {
      id,
      name: `name-of-${id}`,
      uid: `uid-of-${id}`,
      namespace: "default",
      labels: { app: "test" },
      annotations: {},
      runtimeHandler: "runc",
      cgroupParent: "/pods",
      pid: 0,
      ips: ["10.0.0.1"],
      namespaces: [],
      createdAt: 1,
    };
    using hooks = this.hooks.enter();
    await hooks.runPodSandbox(pod, { signal });
    this.pods.set(id, pod);
    return pod;
  }

  async stopPod(id: string): Promise<void> {
    using hooks = this.hooks.enter();
    await hooks.stopPodSandbox(this.#pod(id), { signal });
  }

  async removePod(id: string): Promise<void> {
    using hooks = this.hooks.enter();
    await hooks.removePodSandbox(this.#pod(id), { signal });
    this.pods.delete(id);
  }

  async create(podId: string, id: string, view: Partial<HookedView> = {}): Promise<HookedContainer> {
    const pod = this.#pod(podId);
    const container: HookedView = {
      id,
      podId,
      name: `name-of-${id}`,
      state: "created",
      labels: {},
      annotations: {},
      spec: plainSpec,
      pid: 0,
      ...view,
    };
    using hooks = this.hooks.enter();
    const adjusted = await hooks.createContainer(pod, container, { signal });
    this.containers.set(id, { ...container, spec: adjusted.spec });
    await hooks.postCreateContainer(pod, this.container(id), { signal });
    return adjusted;
  }

  async start(id: string): Promise<void> {
    const container = this.container(id);
    using hooks = this.hooks.enter();
    await hooks.startContainer(this.#pod(container.podId), container, { signal });
    this.containers.set(id, { ...container, state: "running", pid: 42, startedAt: 2 });
    await hooks.postStartContainer(this.#pod(container.podId), this.container(id), { signal });
  }

  async stop(id: string): Promise<void> {
    const container = this.container(id);
    using hooks = this.hooks.enter();
    this.containers.set(id, { ...container, state: "stopped", pid: 0, exitCode: 3, finishedAt: 3 });
    await hooks.stopContainer(this.#pod(container.podId), this.container(id), { signal });
  }

  async remove(id: string): Promise<void> {
    const container = this.container(id);
    using hooks = this.hooks.enter();
    await hooks.removeContainer(this.#pod(container.podId), container, { signal });
    this.containers.delete(id);
  }

  container(id: string): HookedView {
    const container = this.containers.get(id);
    if (container === undefined) throw new Error(`no container ${id}`);
    return container;
  }

  #pod(id: string): PodView {
    const pod = this.pods.get(id);
    if (pod === undefined) throw new Error(`no pod ${id}`);
    return pod;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.hooks[Symbol.asyncDispose]();
    await rm(this.directory, { recursive: true });
  }
}
