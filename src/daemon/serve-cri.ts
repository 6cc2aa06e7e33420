// SPDX-License-Identifier: Apache-2.0
// Kubernetes' face: the gRPC services on their socket, and the streaming server that some of their calls lead to.

import { readFile } from "node:fs/promises";
import { streamingEngine } from "../api/cri/exec/streaming-engine.ts";
import { type GrpcServer, serveGrpc } from "../api/cri/grpc/serve.ts";
import { grpcService } from "../api/cri/grpc/service.ts";
import { imageService } from "../api/cri/images/service.ts";
import { runtimeService } from "../api/cri/runtime/service.ts";
import { statsHandlers } from "../api/cri/stats/service.ts";
import { StreamingServer } from "../api/cri/streaming/streaming-server.ts";
import { toEngineError } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import { pinnedBy } from "../core/images/pinned.ts";
import { StatisticsService } from "../core/metrics/statistics-service.ts";
import { SnapshotTotalsReader } from "../core/snapshots/snapshot-totals.ts";
import { openLinuxStatistics } from "../drivers/metrics/linux/linux-statistics.ts";
import { linuxPortDialer } from "../drivers/port-forward/linux/linux-port-dialer.ts";
import { ImageService } from "../gen/runtime/v1/api_pb.js";
import type { DaemonConfig } from "./config.ts";
import type { OpenedEngine } from "./open-engine.ts";

export async function serveCri(
  config: DaemonConfig,
  { engine, version, namespaceThread }: OpenedEngine,
  logger: Logger,
): Promise<AsyncDisposable> {
  await using undo = new AsyncDisposableStack();
  const { address, port, tls, idleTimeoutMs } = config.cri.streaming;
  const streaming = undo.use(
    await StreamingServer.open({
      runtime: streamingEngine(engine, linuxPortDialer({ namespaceThread })),
      log: logger.child({ scope: "api/cri/streaming" }),
      address,
      port,
      idleTimeoutMs,
      ...(tls !== undefined && { tls: await readTls(tls) }),
    }),
  );
  const statistics = new StatisticsService({
    reader: await openLinuxStatistics({ namespaceThread }),
    snapshotter: engine.snapshotter,
    background: engine.background,
    logger: logger.child({ scope: "core/metrics" }),
  });
  // Beside the snapshots, on their file system: what a trial that was cut short leaves is nobody's there.
  const idmap = await engine.mounts.canIdmap(config.root);
  if (!idmap.possible) logger.info({ reason: idmap.reason }, "pods cannot have user namespaces here");
  const runtime = runtimeService(
    {
      engine,
      version,
      streaming,
      canIdmap: idmap.possible,
      info: { handlers: config.runtime.handlers, cri: config.cri },
    },
    statsHandlers({ ...engine, statistics }),
  );
  const images = grpcService(
    ImageService,
    imageService({
      images: engine.images,
      puller: engine.puller,
      snapshotter: engine.snapshotter,
      totals: new SnapshotTotalsReader({ snapshotter: engine.snapshotter }),
      isPinned: pinnedBy(config.images.pinned),
    }),
  );
  const server: GrpcServer = undo.use(
    await serveGrpc({
      socket: config.cri.socket,
      services: [runtime, images],
      logger: logger.child({ scope: "api/cri" }),
      // Closing gives calls a moment: the kubelet's are short.
      shutdownSignal: AbortSignal.any([]),
    }),
  );
  logger.info({ socket: server.address }, "serving CRI");
  const resources = undo.move();
  return { [Symbol.asyncDispose]: async () => await resources.disposeAsync() };
}

async function readTls(files: { readonly certificate: string; readonly key: string }) {
  try {
    return { cert: await readFile(files.certificate, "utf8"), key: await readFile(files.key, "utf8") };
  } catch (error) {
    throw toEngineError(error, "read the certificate of the streaming server");
  }
}
