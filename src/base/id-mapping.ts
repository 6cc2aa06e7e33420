// SPDX-License-Identifier: Apache-2.0
// The mappings of a user namespace: which ids inside stand for which of the host's (user_namespaces(7)).

import { assert, invalidArgument } from "./errors.ts";

/** One range of ids. */
export interface IdMapping {
  /** The first id inside. */
  readonly containerId: number;
  /** The first id outside. */
  readonly hostId: number;
  readonly size: number;
}

/** What makes a user namespace: its users and its groups. */
export interface IdMappings {
  readonly uidMappings: readonly IdMapping[];
  readonly gidMappings: readonly IdMapping[];
}

/** The last id is -1, which stands for none. */
const idLimit = 2 ** 32 - 1;
/** The kernel takes no more ranges. */
const maximumRanges = 340;

/** invalid-argument for what no kernel takes, and when root inside is nobody. */
export function checkIdMappings({ uidMappings, gidMappings }: IdMappings): void {
  checkRanges("user", uidMappings);
  checkRanges("group", gidMappings);
}

function checkRanges(kind: "user" | "group", mappings: readonly IdMapping[]): void {
  if (mappings.length > maximumRanges) {
    throw invalidArgument(`${mappings.length} ranges of ${kind} ids are more than the ${maximumRanges} there can be`);
  }
  for (const mapping of mappings) checkRange(kind, mapping);
  checkOverlap(kind, "container", mappings);
  checkOverlap(kind, "host", mappings);
  if (!mappings.some(({ containerId }) => containerId === 0)) {
    throw invalidArgument(`the ${kind} id 0 of the container is not mapped`);
  }
}

function checkRange(kind: "user" | "group", mapping: IdMapping): void {
  const { containerId, hostId, size } = mapping;
  const areNumbers = [containerId, hostId, size].every((number) => Number.isSafeInteger(number) && number >= 0);
  if (!areNumbers || size === 0 || containerId + size > idLimit || hostId + size > idLimit) {
    throw invalidArgument(`invalid mapping of ${kind} ids: ${idMapLine(mapping)} (container id, host id, size)`);
  }
}

function checkOverlap(kind: "user" | "group", side: "container" | "host", mappings: readonly IdMapping[]): void {
  const first = (mapping: IdMapping) => (side === "container" ? mapping.containerId : mapping.hostId);
  let end = 0;
  for (const mapping of mappings.toSorted((left, right) => first(left) - first(right))) {
    if (first(mapping) < end)
      throw invalidArgument(`the mappings of ${kind} ids overlap at ${side} id ${first(mapping)}`);
    end = first(mapping) + mapping.size;
  }
}

/** A line as /proc/<pid>/uid_map has it. */
export function idMapLine({ containerId, hostId, size }: IdMapping): string {
  return `${containerId} ${hostId} ${size}`;
}

/** The host's id that an id inside stands for; undefined when it is not mapped. */
export function toHostId(mappings: readonly IdMapping[], id: number): number | undefined {
  const mapping = mappings.find(({ containerId, size }) => id >= containerId && id < containerId + size);
  return mapping === undefined ? undefined : mapping.hostId + (id - mapping.containerId);
}

/** The id inside that a host's id stands for; itself when nothing is mapped to it. */
export function toContainerId(mappings: readonly IdMapping[], id: number): number {
  const mapping = mappings.find(({ hostId, size }) => id >= hostId && id < hostId + size);
  return mapping === undefined ? id : mapping.containerId + (id - mapping.hostId);
}

/** Root inside, as the host sees it; mappings that were checked always have it. */
export function hostRoot({ uidMappings, gidMappings }: IdMappings): { readonly uid: number; readonly gid: number } {
  const [uid, gid] = [toHostId(uidMappings, 0), toHostId(gidMappings, 0)];
  assert(uid !== undefined && gid !== undefined, "the mappings have a root");
  return { uid, gid };
}
