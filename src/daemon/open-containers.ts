// SPDX-License-Identifier: Apache-2.0
// What containers run with: mounts, volumes, sandboxes, networks, streams and runtimes.

import path from "node:path";
import type { Logger } from "../base/log.ts";
import { containerTable } from "../core/containers/container.ts";
import type { RootFilesystem } from "../core/containers/rootfs.ts";
import type { MountActivator } from "../core/mounts/mount.ts";
import type { NetworkDriver } from "../core/networks/network-driver.ts";
import type { Cgroups } from "../core/sandboxes/cgroups.ts";
import type { SandboxService } from "../core/sandboxes/sandbox-service.ts";
import type { ContainerLogs } from "../core/streams/container-log.ts";
import type { StreamOpener } from "../core/streams/process-streams.ts";
import { HandlerTable } from "../core/tasks/handler-table.ts";
import { VolumeService } from "../core/volumes/volume-service.ts";
import { CriFileLogs } from "../drivers/logs/cri-file/cri-file-logs.ts";
import { createMountActivator } from "../drivers/mounts/linux/mount-activator.ts";
import { createRootFilesystem } from "../drivers/rootfs/linux/root-filesystem.ts";
import { openShimRuntime } from "../drivers/runtime/shim/runtime.ts";
import { FifoKeeper } from "../drivers/streams/fifo/fifo-keeper.ts";
import { FifoStreamOpener } from "../drivers/streams/fifo/fifo-streams.ts";
import { localBindSources } from "../drivers/volume/local/bind-sources.ts";
import { openLocalVolumes } from "../drivers/volume/local/local-volumes.ts";
import { removeEmptyCgroup } from "../linux/cgroup/remove-empty.ts";
import type { NamespaceThread } from "../linux/namespaces/namespace-thread.ts";
import type { DaemonConfig } from "./config.ts";
import type { Metadata } from "./open-metadata.ts";
import { openSandboxes } from "./open-sandboxes.ts";
import { keeperPath, userNamespaceProgram } from "./program-files.ts";

export interface Containers extends AsyncDisposable {
  readonly mounts: MountActivator;
  readonly rootFilesystem: RootFilesystem;
  readonly volumes: VolumeService;
  readonly sandboxes: SandboxService;
  readonly networks: NetworkDriver;
  readonly cgroups: Cgroups;
  readonly namespaceThread: NamespaceThread;
  readonly handlers: HandlerTable;
  readonly streams: StreamOpener;
  readonly logs: ContainerLogs;
}

/** containerd's namespace for what shims and runtimes keep. */
const shimNamespace = "berth";

export async function openContainers(
  config: DaemonConfig,
  { store, host }: Metadata,
  logger: Logger,
  { signal }: { readonly signal: AbortSignal },
): Promise<Containers> {
  await using undo = new AsyncDisposableStack();
  // Runtimes make the parent of their containers and leave it: with the last container it goes.
  undo.defer(async () => await removeEmptyCgroup(config.containers.cgroupParent));
  const { sandboxes, networks, cgroups, namespaceThread } = undo.use(
    await openSandboxes(config, { store, host }, logger),
  );
  const shim = undo.use(
    await openShimRuntime(
      {
        logger: logger.child({ scope: "runtime/shim" }),
        stateDirectory: path.join(config.state, "runtime"),
        namespace: shimNamespace,
        eventSocketPath: path.join(config.state, "events.sock"),
      },
      { signal },
    ),
  );
  const volumes = new VolumeService({
    store,
    driver: undo.use(openLocalVolumes({ root: path.join(config.root, "volumes") })),
    bindSources: localBindSources,
    usersOf: (reader, name) =>
      Array.from(reader.entries(containerTable), ([, record]) => record)
        .filter((record) => record.mounts.some(({ volume }) => volume === name))
        .map(({ id }) => id),
    logger: logger.child({ scope: "core/volumes" }),
  });
  await volumes.recover();
  const handlers = new HandlerTable({
    handlers: config.runtime.handlers,
    runtimes: { shim },
    ...(config.runtime.default !== undefined && { defaultName: config.runtime.default }),
  });
  const keeper = undo.use(
    await FifoKeeper.open(
      {
        program: keeperPath,
        socket: path.join(config.state, "keeper.sock"),
        logger: logger.child({ scope: "streams/fifo" }),
      },
      { signal },
    ),
  );
  const resources = undo.move();
  return {
    mounts: createMountActivator({ userNamespaceProgram }),
    rootFilesystem: createRootFilesystem(),
    volumes,
    sandboxes,
    networks,
    cgroups,
    namespaceThread,
    handlers,
    streams: new FifoStreamOpener({ logger: logger.child({ scope: "streams/fifo" }), keeper }),
    logs: new CriFileLogs({ logger: logger.child({ scope: "logs/cri-file" }) }),
    [Symbol.asyncDispose]: async () => await resources.disposeAsync(),
  };
}
