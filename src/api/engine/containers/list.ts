// SPDX-License-Identifier: Apache-2.0

import type { ContainerRecord } from "../../../core/containers/container.ts";
import { containerFilter } from "../../../core/containers/container-filter.ts";
import type { Engine } from "../../../core/lifecycle/engine.ts";
import type { Container, ListContainersRequest } from "../../../gen/berth/engine/v1/container_pb.js";
import { filtersOf } from "../messages.ts";
import { podIdentity } from "../pods/pod-identity.ts";
import { type ContainerSizes, toContainerMessage } from "./message.ts";

/** Newest first, as docker ps shows them. */
export async function listContainers(
  engine: Engine,
  request: ListContainersRequest,
  signal: AbortSignal,
): Promise<{ containers: Container[] }> {
  const filters = filtersOf(request.filters);
  const matches = containerFilter(filters, {
    registry: engine.registry,
    isAncestor: (record, image) => engine.images.find(image)?.id === record.imageId,
    podOf: (record) => podIdentity(engine, record),
  });
  const showsStopped = request.all || request.limit > 0 || filters.has("status") || filters.has("exited");
  let records = engine.registry.list().reverse().filter(matches);
  if (!showsStopped) records = records.filter((record) => engine.running.has(record.id));
  if (request.limit > 0) records = records.slice(0, request.limit);
  const containers = await Promise.all(
    records.map(async (record) =>
      toContainerMessage(engine, record, request.size ? await containerSizes(engine, record, signal) : undefined),
    ),
  );
  return { containers };
}

export async function containerSizes(
  engine: Engine,
  record: ContainerRecord,
  signal: AbortSignal,
): Promise<ContainerSizes> {
  const { bytes } = await engine.snapshotter.usage(record.snapshotKey, { signal });
  let root = bytes;
  for (let key = engine.snapshotter.find(record.snapshotKey)?.parent; key !== undefined; ) {
    const parent = engine.snapshotter.find(key);
    root += parent?.usage?.bytes ?? 0;
    key = parent?.parent;
  }
  return { rw: bytes, root };
}
