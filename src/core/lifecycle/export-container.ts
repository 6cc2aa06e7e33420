// SPDX-License-Identifier: Apache-2.0
// The root filesystem of a container as a tar, without what is mounted in it.

import { EngineError } from "../../base/errors.ts";
import { cleanup } from "../../base/lifetime.ts";
import type { ContainerRecord } from "../containers/container.ts";
import { type Engine, rootfsPath } from "./engine.ts";
import { idMappingsOf, mountRootfs, unmountRootfs } from "./prepare/prepare-rootfs.ts";
import { containerEvent } from "./state/container-events.ts";

/** One that does not run cannot be started or removed meanwhile; one that runs goes on. */
export async function* exportContainer(
  engine: Engine,
  reference: string,
  { signal }: { readonly signal: AbortSignal },
): AsyncGenerator<Uint8Array> {
  const { id } = engine.registry.get(reference);
  using held = await engine.locks.acquire(id, { signal });
  const record = engine.registry.get(id);
  if (engine.running.has(id)) {
    held[Symbol.dispose]();
    yield* archive(engine, record, signal);
    if (engine.registry.find(id) === undefined) {
      throw new EngineError("conflict", `container ${record.name} was removed while it was being exported`);
    }
  } else {
    try {
      await mountRootfs(engine, record);
      yield* archive(engine, record, signal);
    } finally {
      await cleanup(async () => await unmountRootfs(engine, id));
    }
  }
  engine.events.publish(containerEvent("export", record));
}

function archive(engine: Engine, record: ContainerRecord, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const idMappings = idMappingsOf(engine, record);
  return engine.rootFilesystem.archive(rootfsPath(engine, record.id), {
    signal,
    ...(idMappings !== undefined && { idMappings }),
  });
}
