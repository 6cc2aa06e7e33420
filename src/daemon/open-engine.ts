// SPDX-License-Identifier: Apache-2.0
// The composition root: which driver stands behind which seam. Plain calls in the order in which things need each other;
// what is opened first is closed last.

import { mkdir, rm } from "node:fs/promises";
import path from "node:path";
import type { ImageTransfer } from "../api/engine/images/service.ts";
import { KeyedLock } from "../base/keyed-lock.ts";
import { TaskGroup } from "../base/lifetime.ts";
import type { Logger } from "../base/log.ts";
import { version } from "../base/version.ts";
import { noHooks } from "../core/hooks/no-hooks.ts";
import type { Engine } from "../core/lifecycle/engine.ts";
import { recover } from "../core/lifecycle/recover.ts";
import { ContainerIoTable } from "../core/lifecycle/state/container-io.ts";
import { Waiters } from "../core/lifecycle/state/waiters.ts";
import type { NetworkDriver } from "../core/networks/network-driver.ts";
import { podsForHooks } from "../core/pods/pods-for-hooks.ts";
import { adoptPods, removeCgroupsOf, unfinishedPods } from "../core/pods/recover-pods.ts";
import { createLocalDevices } from "../drivers/cdi/local/local-devices.ts";
import { NriHooks } from "../drivers/hooks/nri/nri-hooks.ts";
import { createProcessLister } from "../drivers/host/linux/process-lister.ts";
import type { NamespaceThread } from "../linux/namespaces/namespace-thread.ts";
import type { DaemonConfig } from "./config.ts";
import { openContainers } from "./open-containers.ts";
import { openImages } from "./open-images.ts";
import { openMetadata } from "./open-metadata.ts";
import { preparePauseRoot } from "./pause-root.ts";
import { initPath } from "./program-files.ts";
import { prepareStateDirectories } from "./state-directories.ts";

function openNri({ nri }: DaemonConfig, logger: Logger): NriHooks {
  return new NriHooks({
    socket: nri.socket,
    pluginDirectory: nri.pluginDirectory,
    configDirectory: nri.configDirectory,
    registrationTimeoutMs: nri.registrationTimeoutMs,
    requestTimeoutMs: nri.requestTimeoutMs,
    runtime: { name: "berth", version },
    logger: logger.child({ scope: "hooks/nri" }),
  });
}

/** The engine and what the APIs need besides it. Owned by the daemon. */
export interface OpenedEngine extends AsyncDisposable {
  readonly engine: Engine;
  readonly transfer: ImageTransfer;
  readonly networks: NetworkDriver;
  readonly namespaceThread: NamespaceThread;
  readonly version: string;
}

/** Opens everything and brings records and kernel together; closes what it opened when it fails. */
export async function openEngine(
  config: DaemonConfig,
  logger: Logger,
  { signal }: { readonly signal: AbortSignal },
): Promise<OpenedEngine> {
  await using undo = new AsyncDisposableStack();
  // 0711: a container's user must be able to walk down to its own root filesystem.
  await mkdir(config.root, { recursive: true, mode: 0o711 });
  await prepareStateDirectories(config.state);
  const metadata = undo.use(await openMetadata(config, logger));
  // What the daemon before did not finish.
  for (const name of ["checkpoints", "commits"]) {
    await rm(path.join(config.root, name), { recursive: true, force: true });
  }
  const images = undo.use(await openImages(config, metadata, logger));
  const containers = undo.use(await openContainers(config, metadata, logger, { signal }));
  const io = new ContainerIoTable({
    streams: containers.streams,
    logs: containers.logs,
    directory: path.join(config.state, "io"),
    rotation: config.containers.logRotation,
  });
  undo.defer(async () => await io.releaseAll());
  // Ends before the streams are let go: an exit that is being handled still reads them.
  const background = undo.use(
    new TaskGroup((error, name) => logger.error({ work: name, err: error }, "background work failed")),
  );
  const hooks = config.nri.enable ? undo.use(openNri(config, logger)) : undefined;
  const engine: Engine = {
    ...metadata,
    ...images,
    ...containers,
    puller: images.transfer.puller,
    hooks: hooks ?? noHooks,
    processes: createProcessLister(),
    cdi: createLocalDevices(config.cdi.directories),
    podTasks: new Map(),
    settings: {
      paths: { root: config.root, state: config.state, init: initPath, pause: await preparePauseRoot(config.state) },
      defaultNetwork: config.network.default,
      cgroupParent: config.containers.cgroupParent,
      logRotation: config.containers.logRotation,
    },
    logger: logger.child({ scope: "core/lifecycle" }),
    locks: new KeyedLock(),
    background,
    io,
    running: new Map(),
    waiters: new Waiters(),
  };
  const unfinished = unfinishedPods(engine);
  await recover(engine, { readyPods: adoptPods(engine, { signal }), signal });
  await removeCgroupsOf(engine, unfinished);
  await hooks?.connect(podsForHooks(engine), { signal });
  const resources = undo.move();
  return {
    engine,
    transfer: images.transfer,
    networks: containers.networks,
    namespaceThread: containers.namespaceThread,
    version,
    [Symbol.asyncDispose]: async () => await resources.disposeAsync(),
  };
}
