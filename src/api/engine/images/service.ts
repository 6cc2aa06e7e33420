// SPDX-License-Identifier: Apache-2.0
// ImageService: each method parses its request, calls core and gives the answer as a message.

import type { ServiceImpl } from "@connectrpc/connect";
import { Broadcast } from "../../../base/broadcast.ts";
import { defined } from "../../../base/defined.ts";
import { imageHistory } from "../../../core/images/image-history.ts";
import type { Engine } from "../../../core/lifecycle/engine.ts";
import type { OnProgress, TransferProgress } from "../../../core/transfer/progress.ts";
import type { Puller } from "../../../core/transfer/puller.ts";
import type { Pusher } from "../../../core/transfer/pusher.ts";
import type { Registry, RegistryCredentials } from "../../../core/transfer/registry.ts";
import type { Credentials, ImageService } from "../../../gen/berth/engine/v1/image_pb.js";
import { filtersOf } from "../messages.ts";
import { type ArchiveDeps, importImage, load, save } from "./archives.ts";
import { imageFilter, matchesReference, withMatchingNames } from "./filter.ts";
import { toHistoryMessage, toImageMessage, toProgressMessage } from "./message.ts";
import { watchPulls } from "./watch-pulls.ts";

/** What moves images between here and elsewhere. */
export interface ImageTransfer {
  readonly registry: Registry;
  readonly puller: Puller;
  readonly pusher: Pusher;
  readonly archives: ArchiveDeps;
}

export function imageService(engine: Engine, transfer: ImageTransfer): ServiceImpl<typeof ImageService> {
  const { images, registry } = engine;
  return {
    list(request) {
      const filters = filtersOf(request.filters);
      const matches = imageFilter(filters, images);
      const argument = request.reference === "" ? [] : [request.reference];
      const wanted = images
        .list()
        .filter((image) => matches(image) && argument.every((pattern) => matchesReference(image, pattern)))
        .map((image) => withMatchingNames(withMatchingNames(image, argument), filters.get("reference") ?? []));
      return { images: wanted.map((image) => toImageMessage(engine, image)) };
    },
    inspect(request) {
      return { image: toImageMessage(engine, images.resolve(request.image)) };
    },
    history(request) {
      const image = images.resolve(request.image);
      return { steps: imageHistory(image, engine.snapshotter).map(toHistoryMessage) };
    },
    async *pull({ reference, platform, credentials }, { signal }) {
      const options = { signal, ...defined({ platform, credentials: toCredentials(credentials) }) };
      const pulled = yield* withProgress(
        async (onProgress) => await transfer.puller.pull(reference, { ...options, onProgress }),
      );
      const { image, digest, reference: name, isUpToDate } = pulled;
      yield {
        event: { case: "image" as const, value: { id: image.id, digest, reference: name, upToDate: isUpToDate } },
      };
    },
    watchPulls: (request, { signal }) => watchPulls(transfer.puller.running, request, { signal }),
    async *push({ reference, credentials }, { signal }) {
      const options = { signal, ...defined({ credentials: toCredentials(credentials) }) };
      const { digest, size } = yield* withProgress(
        async (onProgress) => await transfer.pusher.push(reference, { ...options, onProgress }),
      );
      yield { event: { case: "image" as const, value: { digest, sizeBytes: BigInt(size) } } };
    },
    async tag({ source, target }) {
      await images.tag(source, target);
      return {};
    },
    async remove({ image, force }, { signal }) {
      const removed = await images.remove(image, {
        force,
        signal,
        usersOf: (id) => [
          ...registry
            .list()
            .filter((record) => record.imageId === id)
            .map((record) => ({ containerId: record.id, running: engine.running.has(record.id) })),
          ...engine.pins.usersOf(id).map((containerId) => ({ containerId, running: false })),
        ],
      });
      return {
        untagged: removed.flatMap((line) => ("untagged" in line ? [line.untagged] : [])),
        deleted: removed.flatMap((line) => ("deleted" in line ? [line.deleted] : [])),
      };
    },
    save: (request, { signal }) => save(transfer.archives, request, signal),
    load: async (requests, { signal }) => await load(transfer.archives, requests, signal),
    import: async (requests, { signal }) => await importImage(transfer.archives, requests, signal),
    async checkCredentials({ registry: domain, credentials }, { signal }) {
      const { identityToken = "" } = await transfer.registry.login(domain, toCredentials(credentials) ?? {}, {
        signal,
      });
      return { identityToken };
    },
  };
}

function toCredentials(message: Credentials | undefined): RegistryCredentials | undefined {
  if (message === undefined) return undefined;
  const { username, password, identityToken, registryToken } = message;
  return defined({
    username: username || undefined,
    password: password || undefined,
    identityToken: identityToken || undefined,
    registryToken: registryToken || undefined,
  });
}

type ProgressEvent = { event: { case: "progress"; value: ReturnType<typeof toProgressMessage> } };

/** Yields the work's progress as it comes and returns its result. */
async function* withProgress<T>(work: (onProgress: OnProgress) => Promise<T>): AsyncGenerator<ProgressEvent, T> {
  const lines = new Broadcast<TransferProgress>();
  const all = new AbortController();
  const reader = lines.subscribe({ signal: all.signal });
  const result = work((progress) => lines.publish(progress)).finally(() => lines.close());
  result.catch(() => {
    // Thrown by the await below.
  });
  for await (const progress of reader) yield { event: { case: "progress", value: toProgressMessage(progress) } };
  return await result;
}
