// SPDX-License-Identifier: Apache-2.0
// The life of a daemon: lock the root, put the engine together, recover, serve, and on SIGTERM let go of everything that
// runs so that the next daemon can take over.

import { errorInterceptor } from "../api/engine/errors.ts";
import { engineRoutes } from "../api/engine/routes.ts";
import { deadlineSignal } from "../base/lifetime.ts";
import { version } from "../base/version.ts";
import { pinnedBy } from "../core/images/pinned.ts";
import { lockRoot } from "../drivers/host/linux/root-lock.ts";
import {
  activatedSockets,
  notifyReady,
  notifyStopping,
  takeManagerVariables,
} from "../drivers/host/linux/service-manager.ts";
import type { DaemonConfig } from "./config.ts";
import { openLogger } from "./log.ts";
import { openEngine } from "./open-engine.ts";
import { serveCri } from "./serve-cri.ts";
import { serveApi } from "./server.ts";

/** How long a start may take before it is given up: recovery of many containers included. */
const startDeadlineMs = 120_000;

/** Resolves after SIGTERM or SIGINT, when everything is closed. */
export async function runDaemon(config: DaemonConfig): Promise<void> {
  // Before anything is started that could inherit it.
  const manager = takeManagerVariables();
  const logger = openLogger(config.log);
  const started = performance.now();
  await using resources = new AsyncDisposableStack();
  const stop = stopRequest();
  resources.use(await lockRoot(config.root));
  const shutdown = new AbortController();
  const signal = AbortSignal.any([stop.signal, deadlineSignal(startDeadlineMs, "starting the daemon")]);
  const opened = resources.use(await openEngine(config, logger, { signal }));
  // First: whoever finds the engine's socket finds this one too.
  resources.use(await serveCri(config, opened, logger));
  const [inherited] = activatedSockets(manager);
  resources.use(
    await serveApi({
      socket: config.socket,
      logger: logger.child({ scope: "api/engine" }),
      routes: engineRoutes({ ...opened, isPinned: pinnedBy(config.images.pinned) }),
      interceptors: [errorInterceptor(logger.child({ scope: "api/engine" }))],
      shutdownSignal: shutdown.signal,
      ...(inherited !== undefined && { inheritedDescriptor: inherited.descriptor }),
    }),
  );
  resources.defer(() => shutdown.abort());
  notifyReady(manager);
  logger.info(
    { version, socket: config.socket, root: config.root, milliseconds: Math.round(performance.now() - started) },
    "ready",
  );
  await stop.requested;
  logger.info({}, "stopping: containers keep running");
  notifyStopping(manager);
}

interface StopRequest {
  readonly requested: Promise<void>;
  readonly signal: AbortSignal;
}

/** SIGTERM and SIGINT ask for a stop; a second one does not wait for it. */
function stopRequest(): StopRequest {
  const controller = new AbortController();
  const { promise, resolve } = Promise.withResolvers<void>();
  const onSignal = (name: NodeJS.Signals) => {
    if (controller.signal.aborted) process.exit(name === "SIGINT" ? 130 : 143);
    controller.abort(new Error(`the daemon was stopped by ${name}`));
    resolve();
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
  return { requested: promise, signal: controller.signal };
}
