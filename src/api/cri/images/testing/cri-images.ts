// SPDX-License-Identifier: Apache-2.0
// CRI's ImageService over a real socket, in front of real content and the real registry client; for tests.

import { mkdtemp, rm } from "node:fs/promises";
import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { type Client, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { silentLogger } from "../../../../base/log.ts";
import { GarbageCollector, type GarbageRoot } from "../../../../core/gc/garbage-collector.ts";
import { pinnedBy } from "../../../../core/images/pinned.ts";
import { storeImage, type TestImage } from "../../../../core/images/testing/image-world.ts";
import { SnapshotTotalsReader } from "../../../../core/snapshots/snapshot-totals.ts";
import { openTransferWorld } from "../../../../core/transfer/testing/transfer-world.ts";
import { type FakeServer, startFakeServer } from "../../../../drivers/registry/http/testing/fake-server.ts";
import { ImageService } from "../../../../gen/runtime/v1/api_pb.js";
import { serveGrpc } from "../../grpc/serve.ts";
import { grpcService } from "../../grpc/service.ts";
import { imageService } from "../service.ts";

export interface CriImagesOptions {
  readonly pinned?: readonly string[];
  /** What containers use, as garbage collection sees it. */
  readonly roots?: () => Iterable<GarbageRoot>;
}

/** An engine's images behind a socket; disposing closes and removes everything. */
export async function openCriImages({ pinned = [], roots = () => [] }: CriImagesOptions = {}) {
  await using undo = new AsyncDisposableStack();
  const directory = await mkdtemp(path.join(tmpdir(), "berth-cri-images-"));
  undo.defer(async () => await rm(directory, { recursive: true, force: true }));
  const world = undo.use(await openTransferWorld());
  const collector = new GarbageCollector({ ...world, roots });
  world.collectWith(async (options) => await collector.collect(options));
  const totals = new SnapshotTotalsReader(world);
  const handlers = imageService({ ...world, totals, isPinned: pinnedBy(pinned) });
  const socket = path.join(directory, "cri.sock");
  undo.use(
    await serveGrpc({
      socket,
      services: [grpcService(ImageService, handlers)],
      logger: silentLogger,
      shutdownSignal: new AbortController().signal,
    }),
  );
  const transport = createGrpcTransport({
    baseUrl: "http://cri",
    nodeOptions: { createConnection: () => connect(socket) },
    idleConnectionTimeoutMs: 1000,
  });
  const client: Client<typeof ImageService> = createClient(ImageService, transport);
  const resources = undo.move();
  return {
    ...world,
    client,
    handlers,
    /** Pulls and gives the id. */
    pull: async (image: string) => (await client.pullImage({ image: { image } })).imageRef,
    status: async (image: string) => (await client.imageStatus({ image: { image } })).image,
    list: async () => (await client.listImages({})).images,
    [Symbol.asyncDispose]: async () => await resources.disposeAsync(),
  };
}

export type CriImages = Awaited<ReturnType<typeof openCriImages>>;

/** Makes registries hold an image under these names; gives its id and the digest of its manifest. */
export async function publish(image: TestImage, ...names: readonly string[]) {
  await using world = await openTransferWorld();
  const target = await storeImage(world.content, image);
  const { signal } = new AbortController();
  for (const name of names) {
    await world.images.put(name, target);
    await world.pusher.push(name, { signal });
  }
  return { id: world.images.resolve(names[0] ?? "").id as string, digest: target.digest as string };
}

/** Stands before a registry, passes everything on and remembers it. */
export async function startProxy(registryPort: number): Promise<FakeServer> {
  return await startFakeServer((request, response) => {
    const { method, url, headers } = request;
    const onward = httpRequest({ port: registryPort, method, path: url, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    request.pipe(onward);
  });
}
