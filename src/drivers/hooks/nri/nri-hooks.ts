// SPDX-License-Identifier: Apache-2.0
// Lifecycle hooks by NRI: plugins connect to a socket, or are started with the engine, and are asked in the order of their
// index. A plugin joins at one moment: steps that are entered afterwards call it, and wait for it where they do; steps
// that were entered before have ended when it is given the list of all there is. So nothing is lost and nothing comes
// twice, and only what the plugin itself listens to waits for it.

import type { Duplex } from "node:stream";
import { EngineError, messageOf } from "../../../base/errors.ts";
import { KeyedLock } from "../../../base/keyed-lock.ts";
import { deadlineSignal, raceSignal, TaskGroup } from "../../../base/lifetime.ts";
import type { Logger } from "../../../base/log.ts";
import type { HookInventory, HookTarget } from "../../../core/hooks/hook-target.ts";
import type { HookScope, LifecycleHooks } from "../../../core/hooks/lifecycle-hooks.ts";
import type { ContainerEviction, ContainerUpdate } from "../../../gen/nri/pkg/api/v1alpha1/api_pb.js";
import { LifecycleStates } from "./lifecycle-states.ts";
import { containerToNri } from "./messages/container.ts";
import { podToNri } from "./messages/pod.ts";
import { connectPlugin, type LaunchedPlugin, type PluginHost } from "./plugins/connect-plugin.ts";
import { findInstalledPlugins, type InstalledPlugin, launchPlugin } from "./plugins/installed-plugins.ts";
import type { Plugin } from "./plugins/plugin.ts";
import { PluginListener } from "./plugins/plugin-listener.ts";
import { evictionFromNri, updateFromNri } from "./requests/collected-updates.ts";
import { applyWishes } from "./requests/relay.ts";
import { Scope } from "./scope.ts";
import { DefaultValidator, type ValidatorRules } from "./validation/default-validator.ts";

export interface NriOptions {
  /** Where plugins connect; undefined for nowhere. */
  readonly socket: string | undefined;
  /** Where plugins lie that are started with the engine. */
  readonly pluginDirectory: string;
  /** Where their configuration lies. */
  readonly configDirectory: string;
  /** For a plugin to register, and then to take in all pods and containers. */
  readonly registrationTimeoutMs: number;
  /** For a plugin to answer anything else. */
  readonly requestTimeoutMs: number;
  /** As plugins are told it. */
  readonly runtime: { readonly name: string; readonly version: string };
  readonly rules?: ValidatorRules;
  readonly logger: Logger;
}

/** The paths and times that plugins know of old. */
export const nriDefaults = {
  socket: "/var/run/nri/nri.sock",
  pluginDirectory: "/opt/nri/plugins",
  configDirectory: "/etc/nri/conf.d",
  registrationTimeoutMs: 5_000,
  requestTimeoutMs: 2_000,
} as const;

/** Whoever makes it disposes it, after the engine. Plugins come with connect. */
export class NriHooks implements LifecycleHooks, AsyncDisposable {
  readonly #options: NriOptions;
  readonly #logger: Logger;
  readonly #validator: DefaultValidator | undefined;
  readonly #states = new LifecycleStates();
  readonly #objects = new KeyedLock();
  readonly #scopes = new Set<Scope>();
  readonly #connections: TaskGroup;
  /** In the order of their index; replaced, never changed, for scopes keep what was there when they began. */
  #plugins: readonly Plugin[] = [];
  #target: HookTarget = nothing;
  #listener: PluginListener | undefined;

  constructor(options: NriOptions) {
    this.#options = options;
    this.#logger = options.logger;
    this.#validator = options.rules === undefined ? undefined : new DefaultValidator(options.rules);
    this.#connections = new TaskGroup((error, name) =>
      this.#logger.warn({ plugin: name, error: messageOf(error) }, "an NRI plugin could not be served"),
    );
  }

  /** Lets plugins in: those that are installed have joined when it returns. Once, before the engine serves. */
  async connect(target: HookTarget, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    this.#target = target;
    this.#states.seed(await target.list({ signal }));
    const { pluginDirectory, configDirectory, socket } = this.#options;
    const installed = await findInstalledPlugins(pluginDirectory, configDirectory, this.#logger);
    await Promise.all(installed.map(async (plugin) => await this.#start(plugin)));
    if (socket === undefined) return;
    try {
      this.#listener = await PluginListener.open(socket, (connection) => this.#serve("external", connection));
      this.#logger.info({ socket }, "listening for NRI plugins");
    } catch (error) {
      this.#logger.warn({ socket, error: messageOf(error) }, "no NRI plugins can connect");
    }
  }

  /** Names of the plugins that are called, in their order. */
  get plugins(): readonly string[] {
    return this.#plugins.map(({ name }) => name);
  }

  enter(): HookScope {
    const scope = new Scope({
      plugins: this.#plugins,
      target: this.#target,
      logger: this.#logger,
      states: this.#states,
      objects: this.#objects,
      validator: this.#validator,
      onEnd: (ended) => this.#scopes.delete(ended),
    });
    this.#scopes.add(scope);
    return scope;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#listener?.[Symbol.asyncDispose]();
    this.#plugins = [];
    await this.#connections[Symbol.asyncDispose]();
  }

  async #start(installed: InstalledPlugin): Promise<void> {
    const { file, name, config } = installed;
    const joined = Promise.withResolvers<void>();
    this.#connections.run(file, async (signal) => {
      try {
        await using running = await launchPlugin(installed);
        await this.#keep(running.socket, { launched: { name, config }, onJoined: joined.resolve, signal });
      } finally {
        joined.resolve();
      }
    });
    await joined.promise;
  }

  #serve(name: string, connection: Duplex): void {
    this.#connections.run(name, async (signal) => await this.#keep(connection, { signal }));
  }

  /** From its registration to its end. */
  async #keep(
    connection: Duplex,
    options: { readonly launched?: LaunchedPlugin; readonly onJoined?: () => void; readonly signal: AbortSignal },
  ): Promise<void> {
    await using plugin = await connectPlugin(connection, this.#host, options);
    try {
      await this.#join(plugin, options);
      options.onJoined?.();
      this.#logger.info({ plugin: plugin.name, order: this.plugins }, "an NRI plugin has joined");
      await raceSignal(plugin.ended, options.signal);
    } finally {
      if (options.signal.aborted) await plugin.shutDown();
      plugin.close();
      this.#plugins = this.#plugins.filter((each) => each !== plugin);
      this.#logger.info({ plugin: plugin.name }, "an NRI plugin has gone");
    }
  }

  get #host(): PluginHost {
    const { runtime, registrationTimeoutMs, requestTimeoutMs } = this.#options;
    return {
      settings: { runtimeName: runtime.name, runtimeVersion: runtime.version, registrationTimeoutMs, requestTimeoutMs },
      logger: this.#logger,
      update: async (updates, evictions, options) => await this.#update(updates, evictions, options),
    };
  }

  async #join(plugin: Plugin, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    const { registrationTimeoutMs: timeoutMs } = this.#options;
    const earlier = [...this.#scopes];
    const turn = plugin.hold({ signal });
    this.#plugins = [...this.#plugins, plugin].toSorted((a, b) => Number(a.index) - Number(b.index));
    let wishes: readonly ContainerUpdate[];
    {
      using _turn = await turn;
      const deadline = AbortSignal.any([
        signal,
        deadlineSignal(timeoutMs, `waiting for what is in progress before NRI plugin ${plugin.name} joins`),
      ]);
      await raceSignal(Promise.all(earlier.map((scope) => scope.ended)), deadline);
      const inventory = await this.#target.list({ signal: deadline });
      const shown = {
        pods: inventory.pods.map(podToNri),
        containers: living(inventory).map(containerToNri),
      };
      wishes = await plugin.synchronize(shown, { signal, timeoutMs });
    }
    await applyWishes(
      { target: this.#target, logger: this.#logger },
      { updates: wishes.map(updateFromNri), evictions: [] },
      { signal },
    );
  }

  async #update(
    updates: readonly ContainerUpdate[],
    evictions: readonly ContainerEviction[],
    options: { readonly signal: AbortSignal },
  ): Promise<readonly ContainerUpdate[]> {
    if (evictions.length > 0) await this.#target.evict(evictions.map(evictionFromNri), options);
    const failed = await this.#target.update(updates.map(updateFromNri), options);
    const ids = new Set(failed.map(({ containerId }) => containerId));
    return updates.filter(({ containerId }) => ids.has(containerId));
  }
}

/** Plugins are told of containers that have not ended. */
function living({ containers }: HookInventory): HookInventory["containers"] {
  return containers.filter(({ state }) => state !== "stopped");
}

/** Before there is an engine. */
const nothing: HookTarget = {
  list: async () => ({ pods: [], containers: [] }),
  update: async (updates) => updates,
  evict: async () => {
    throw new EngineError("unavailable", "the engine is not there yet");
  },
};
