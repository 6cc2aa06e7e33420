// SPDX-License-Identifier: Apache-2.0
// An engine that can pull and push, for tests: real content and the real registry client, snapshots without files.

import { silentLogger } from "../../../base/log.ts";
import { createHttpRegistry } from "../../../drivers/registry/http/http-registry.ts";
import { openImageWorld } from "../../images/testing/image-world.ts";
import { leaseTable } from "../../leases/lease-manager.ts";
import type { OnProgress, TransferProgress } from "../progress.ts";
import { Puller } from "../puller.ts";
import { Pusher } from "../pusher.ts";

export const amd64 = { os: "linux", architecture: "amd64" };

export async function openTransferWorld() {
  await using undo = new AsyncDisposableStack();
  const world = undo.use(await openImageWorld());
  const retry = { attempts: 3, firstPauseMs: 1, longestPauseMs: 20 };
  const registry = undo.use(createHttpRegistry({ log: silentLogger, userAgent: "berth/test", retry }));
  const deps = { ...world, registry, platform: amd64 };
  const resources = undo.move();
  return {
    ...deps,
    puller: new Puller(deps),
    pusher: new Pusher(deps),
    /** What a failed transfer must not leave behind; references of unfinished writes. */
    leftovers: async () => ({
      images: world.images.list().flatMap(({ names }) => names),
      leases: Array.from(world.store.entries(leaseTable)).length,
      ingests: await Array.fromAsync(world.content.walkIngests(), ({ reference }) => reference),
    }),
    [Symbol.asyncDispose]: async () => await resources.disposeAsync(),
  };
}

/** Remembers progress as lines: "<id>: <status>" without amounts, repetitions dropped. */
export function recordProgress() {
  const lines: string[] = [];
  const events: TransferProgress[] = [];
  const onProgress: OnProgress = (progress) => {
    events.push(progress);
    const line = progress.id === undefined ? progress.status : `${progress.id}: ${progress.status}`;
    if (!lines.includes(line)) lines.push(line);
  };
  return {
    lines,
    events,
    onProgress,
    of: (id: string) => lines.filter((line) => line.startsWith(`${id}: `)).map((line) => line.slice(id.length + 2)),
  };
}
