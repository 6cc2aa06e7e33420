// SPDX-License-Identifier: Apache-2.0
// What containers share: namespaces, networks and the files that go with them, and the cgroups round them.

import path from "node:path";
import type { Logger } from "../base/log.ts";
import type { NetworkDriver } from "../core/networks/network-driver.ts";
import type { Cgroups } from "../core/sandboxes/cgroups.ts";
import { SandboxService } from "../core/sandboxes/sandbox-service.ts";
import { openCniNetworkDriver } from "../drivers/network/cni/cni-network-driver.ts";
import { defaultPluginDirectories } from "../drivers/network/cni/plugin-runner.ts";
import { LocalNetworkFiles } from "../drivers/network-files/local/local-network-files.ts";
import { openNamespaceSandboxer } from "../drivers/sandbox/namespaces/namespace-sandboxer.ts";
import { removeEmptyCgroup } from "../linux/cgroup/remove-empty.ts";
import { NamespaceThread } from "../linux/namespaces/namespace-thread.ts";
import type { DaemonConfig } from "./config.ts";
import type { Metadata } from "./open-metadata.ts";
import { userNamespaceProgram, workerUrl } from "./program-files.ts";

export interface Sandboxes extends AsyncDisposable {
  readonly sandboxes: SandboxService;
  readonly networks: NetworkDriver;
  readonly cgroups: Cgroups;
  /** Where whatever must happen inside a namespace happens. */
  readonly namespaceThread: NamespaceThread;
}

export async function openSandboxes(
  config: DaemonConfig,
  { store, host }: Pick<Metadata, "store" | "host">,
  logger: Logger,
): Promise<Sandboxes> {
  await using undo = new AsyncDisposableStack();
  const namespaceThread = undo.use(new NamespaceThread(workerUrl("namespaces")));
  const sandboxer = undo.use(
    await openNamespaceSandboxer({ stateDirectory: config.state, thread: namespaceThread, userNamespaceProgram }),
  );
  const networks = undo.use(
    await openCniNetworkDriver({
      configurationDirectory: config.network.configDirectory,
      pluginDirectories: [...config.network.pluginDirectories, ...defaultPluginDirectories],
      stateDirectory: config.state,
      podConfigurationDirectory: config.cri.networkConfigDirectory,
      defaultNetwork: config.network.default,
      defaultBridge: { name: config.network.bridge, subnet: config.network.subnet },
      logger: logger.child({ scope: "network/cni" }),
    }),
  );
  const files = new LocalNetworkFiles({ directory: path.join(config.state, "sandboxes") });
  const sandboxes = new SandboxService({
    store,
    sandboxer,
    networks,
    files,
    bootId: host.bootId,
    logger: logger.child({ scope: "core/sandboxes" }),
  });
  const resources = undo.move();
  return {
    sandboxes,
    networks,
    namespaceThread,
    cgroups: { removeEmpty: removeEmptyCgroup },
    [Symbol.asyncDispose]: async () => await resources.disposeAsync(),
  };
}
