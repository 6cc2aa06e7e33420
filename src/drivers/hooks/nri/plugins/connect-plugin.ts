// SPDX-License-Identifier: Apache-2.0
// From a socket to a plugin: it registers over the runtime's connection, then it is configured over its own.

import type { Duplex } from "node:stream";
import { EngineError, toEngineError } from "../../../../base/errors.ts";
import { deadlineSignal, raceSignal } from "../../../../base/lifetime.ts";
import type { Logger } from "../../../../base/log.ts";
import {
  type ContainerEviction,
  type ContainerUpdate,
  Plugin as PluginService,
  Runtime as RuntimeService,
} from "../../../../gen/nri/pkg/api/v1alpha1/api_pb.js";
import { ttrpcClientOn } from "../../../../host/ttrpc/client.ts";
import { Multiplexer } from "../../../../host/ttrpc/multiplex.ts";
import { TtrpcServer } from "../../../../host/ttrpc/server.ts";
import { Subscription } from "./events.ts";
import { Plugin } from "./plugin.ts";
import { checkPluginName, formatPluginName, type PluginName } from "./plugin-name.ts";

/** Ids of the connections on a plugin's socket. */
const connectionId = { plugin: 1, runtime: 2 } as const;

/** The version of the Go module whose interface this is. */
const nriVersion = "v0.12.3";

export interface PluginSettings {
  readonly runtimeName: string;
  readonly runtimeVersion: string;
  readonly registrationTimeoutMs: number;
  readonly requestTimeoutMs: number;
}

export interface PluginHost {
  readonly settings: PluginSettings;
  readonly logger: Logger;
  /** What a plugin wants out of its own accord; the result is what could not be done. */
  update(
    wishes: { readonly updates: readonly ContainerUpdate[]; readonly evictions: readonly ContainerEviction[] },
    options: { readonly signal: AbortSignal },
  ): Promise<readonly ContainerUpdate[]>;
}

/** How to know a plugin that this engine has started. */
export interface LaunchedPlugin {
  readonly name: PluginName;
  /** Given to it as it is. */
  readonly config: string;
}

/** Takes the socket over, also when it fails. A plugin that was not launched says itself who it is. */
export async function connectPlugin(
  trunk: Duplex,
  host: PluginHost,
  { launched, signal }: { readonly launched?: LaunchedPlugin; readonly signal: AbortSignal },
): Promise<Plugin> {
  await using resources = new AsyncDisposableStack();
  resources.defer(() => void trunk.destroy());
  const { settings, logger } = host;
  const registered = Promise.withResolvers<PluginName>();
  const server = resources.use(new TtrpcServer({ logger }));
  server.serve(RuntimeService, {
    registerPlugin: async ({ pluginName, pluginIdx }) => {
      try {
        registered.resolve(launched?.name ?? checkPluginName({ index: pluginIdx, base: pluginName }));
      } catch (error) {
        registered.reject(toEngineError(error));
        throw error;
      }
      return {};
    },
    updateContainers: async ({ update, evict }, context) => ({
      failed: [...(await host.update({ updates: update, evictions: evict }, { signal: context.signal }))],
    }),
  });
  const multiplexer = new Multiplexer(trunk);
  const client = resources.use(ttrpcClientOn(multiplexer.open(connectionId.plugin), "the NRI plugin"));
  server.accept(multiplexer.open(connectionId.runtime));
  multiplexer.start();
  const gone = client.closed.then(() => {
    throw new EngineError("unavailable", "the NRI plugin has gone before it registered");
  });
  // It may go, or register wrongly, when nobody waits for that any more.
  gone.catch(() => {});
  registered.promise.catch(() => {});
  const deadline = deadlineSignal(settings.registrationTimeoutMs, "the registration of an NRI plugin");
  const name = await raceSignal(Promise.race([registered.promise, gone]), AbortSignal.any([signal, deadline]));
  const { events } = await client.call(
    PluginService.method.configure,
    {
      config: launched?.config ?? "",
      runtimeName: settings.runtimeName,
      runtimeVersion: settings.runtimeVersion,
      registrationTimeout: BigInt(settings.registrationTimeoutMs),
      requestTimeout: BigInt(settings.requestTimeoutMs),
      NRIVersion: nriVersion,
    },
    { signal, timeoutMs: settings.requestTimeoutMs },
  );
  const subscription = new Subscription(events);
  return new Plugin({
    ...name,
    name: formatPluginName(name),
    subscription,
    client,
    requestTimeoutMs: settings.requestTimeoutMs,
    logger,
    disconnect: () => void trunk.destroy(),
    resources: resources.move(),
  });
}
