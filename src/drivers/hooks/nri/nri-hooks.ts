// SPDX-License-Identifier: Apache-2.0
// Lifecycle hooks by NRI: plugins connect to a socket, or are started with the engine, and are asked in the order of their
// index. A plugin joins at one moment: steps that are entered afterwards call it, and wait for it where they do; steps
// that were entered before have ended when it is given the list of all there is. So nothing is lost and nothing comes
// twice, and only what the plugin itself listens to waits for it.

import type { Duplex } from "node:stream";
import { messageOf } from "../../../base/errors.ts";
import { raceSignal, TaskGroup } from "../../../base/lifetime.ts";
import type { Logger } from "../../../base/log.ts";
import type { HookTarget } from "../../../core/hooks/hook-target.ts";
import type { HookScope, LifecycleHooks } from "../../../core/hooks/lifecycle-hooks.ts";
import { LifecycleStates } from "./lifecycle-states.ts";
import { connectPlugin, type LaunchedPlugin, type PluginHost } from "./plugins/connect-plugin.ts";
import { findInstalledPlugins, type InstalledPlugin, launchPlugin } from "./plugins/installed-plugins.ts";
import type { Plugin } from "./plugins/plugin.ts";
import { PluginListener } from "./plugins/plugin-listener.ts";
import { type Joining, synchronizePlugin } from "./plugins/synchronize-plugin.ts";
import { noTarget, unsolicitedUpdate } from "./requests/unsolicited-update.ts";
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

/** Whoever makes it disposes it, after the engine. Plugins come with connect. */
export class NriHooks implements LifecycleHooks, AsyncDisposable {
  readonly #options: NriOptions;
  readonly #logger: Logger;
  readonly #validator: DefaultValidator | undefined;
  readonly #states = new LifecycleStates();
  readonly #scopes = new Set<Scope>();
  #entered = 0;
  readonly #connections: TaskGroup;
  readonly #background: TaskGroup;
  /** In the order of their index; replaced, never changed, for scopes keep what was there when they began. */
  #plugins: readonly Plugin[] = [];
  #target: HookTarget = noTarget;
  #listener: PluginListener | undefined;

  constructor(options: NriOptions) {
    this.#options = options;
    this.#logger = options.logger;
    this.#validator = options.rules === undefined ? undefined : new DefaultValidator(options.rules);
    this.#connections = new TaskGroup((error, name) =>
      this.#logger.warn({ plugin: name, error: messageOf(error) }, "an NRI plugin could not be served"),
    );
    this.#background = new TaskGroup((error, name) =>
      this.#logger.warn({ work: name, error: messageOf(error) }, "NRI plugins could not be told"),
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
      step: ++this.#entered,
      plugins: this.#plugins,
      target: this.#target,
      logger: this.#logger,
      states: this.#states,
      validator: this.#validator,
      background: this.#background,
      onEnd: (ended) => this.#scopes.delete(ended),
    });
    this.#scopes.add(scope);
    return scope;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#listener?.[Symbol.asyncDispose]();
    this.#plugins = [];
    await this.#background[Symbol.asyncDispose]();
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
      update: async (wishes, options) => await unsolicitedUpdate(this.#target, wishes, options),
    };
  }

  async #join(plugin: Plugin, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    const earlier = [...this.#scopes];
    const turn = plugin.hold({ signal });
    this.#plugins = [...this.#plugins, plugin].toSorted((a, b) => Number(a.index) - Number(b.index));
    const firstStep = this.#entered + 1;
    const joining: Joining = {
      plugin,
      turn,
      earlier: Promise.all(earlier.map((scope) => scope.ended)),
      // Plugins are told of containers that have not ended, as far as they will be told of the end.
      isShown: ({ id, state }) => state !== "stopped" || this.#states.stopsFrom(id, firstStep),
      target: this.#target,
      logger: this.#logger,
      timeoutMs: this.#options.registrationTimeoutMs,
    };
    await synchronizePlugin(joining, { signal });
  }
}
