// SPDX-License-Identifier: Apache-2.0

import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import {
  type Container,
  ContainerSchema,
  type PodSandbox,
  PodSandboxSchema,
  type SynchronizeRequestSchema,
} from "../../../../gen/nri/pkg/api/v1alpha1/api_pb.js";
import { maximumBody } from "../../../../host/ttrpc/frame.ts";

/** All that a plugin is told of when it joins. */
export interface Inventory {
  readonly pods: readonly MessageInitShape<typeof PodSandboxSchema>[];
  readonly containers: readonly MessageInitShape<typeof ContainerSchema>[];
}

interface Part {
  pods: PodSandbox[];
  containers: Container[];
  more: boolean;
}

/** Bytes for the tag and the length of an entry, and for what is around all of them. */
const entryOverhead = 8;
const messageOverhead = 1024;

/** Synchronize requests that fit a message each, pods first; all but the last say that more follow. */
export function splitInventory(
  { pods, containers }: Inventory,
  limit = maximumBody - messageOverhead,
): readonly (MessageInitShape<typeof SynchronizeRequestSchema> & { readonly more: boolean })[] {
  let current: Part = { pods: [], containers: [], more: false };
  let size = 0;
  const parts = [current];
  const place = (bytes: number): Part => {
    const needed = bytes + entryOverhead;
    if (size > 0 && size + needed > limit) {
      current.more = true;
      current = { pods: [], containers: [], more: false };
      parts.push(current);
      size = 0;
    }
    size += needed;
    return current;
  };
  for (const pod of pods.map((init) => create(PodSandboxSchema, init))) {
    place(toBinary(PodSandboxSchema, pod).length).pods.push(pod);
  }
  for (const container of containers.map((init) => create(ContainerSchema, init))) {
    place(toBinary(ContainerSchema, container).length).containers.push(container);
  }
  return parts;
}
