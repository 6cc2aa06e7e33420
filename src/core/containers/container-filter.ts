// SPDX-License-Identifier: Apache-2.0
// The filters of docker ps, and those for containers of pods. Values of one key are alternatives, but for label, where all must hold; different keys must
// all hold.

import { EngineError, invalidArgument } from "../../base/errors.ts";
import { labelMatches, nameMatches } from "../../base/filter-values.ts";
import type { ContainerRecord } from "./container.ts";
import type { ContainerRegistry } from "./container-registry.ts";

export type Filters = ReadonlyMap<string, readonly string[]>;

/** What tells a pod. */
export interface PodIdentity {
  readonly id: string;
  readonly name: string;
  readonly namespace: string;
}

type Test = (record: ContainerRecord, value: string) => boolean;

const statuses = new Set(["created", "restarting", "running", "removing", "paused", "exited", "dead"]);

/** A predicate over records; invalid-argument for an unknown key or a bad value. */
export function containerFilter(
  filters: Filters,
  context: {
    readonly registry: ContainerRegistry;
    readonly isAncestor: (record: ContainerRecord, image: string) => boolean;
    /** undefined for a container that is alone in its sandbox. */
    readonly podOf: (record: ContainerRecord) => PodIdentity | undefined;
  },
): (record: ContainerRecord) => boolean {
  const tests: ((record: ContainerRecord) => boolean)[] = [];
  for (const [key, values] of filters) {
    const test = testFor(key, values, context);
    tests.push(
      key === "label"
        ? (record) => values.every((value) => test(record, value))
        : (record) => values.some((value) => test(record, value)),
    );
  }
  return (record) => tests.every((test) => test(record));
}

function testFor(
  key: string,
  values: readonly string[],
  { registry, isAncestor, podOf }: Parameters<typeof containerFilter>[1],
): Test {
  switch (key) {
    case "id":
      return (record, value) => record.id.startsWith(value);
    case "name":
      return (record, value) => nameMatches(record.name, value);
    case "label":
      return (record, value) => labelMatches(record.labels, value);
    case "status":
      for (const value of values) {
        if (!statuses.has(value)) throw invalidArgument(`invalid filter 'status=${value}'`);
      }
      return (record, value) => record.state.status === value;
    case "exited":
      for (const value of values) {
        if (!/^\d+$/.test(value)) throw invalidArgument(`invalid filter 'exited=${value}'`);
      }
      return (record, value) => record.state.status === "exited" && record.state.exitCode === Number(value);
    case "pod":
      return (record, value) => {
        const pod = podOf(record);
        return pod !== undefined && podMatches(pod, value);
      };
    case "namespace":
      return (record, value) => podOf(record)?.namespace === value;
    case "ancestor":
      return isAncestor;
    case "before": {
      const limits = new Map(values.map((value) => [value, registry.get(value).createdAt]));
      return (record, value) => record.createdAt < (limits.get(value) ?? 0);
    }
    case "since": {
      const limits = new Map(values.map((value) => [value, registry.get(value).createdAt]));
      return (record, value) => record.createdAt > (limits.get(value) ?? 0);
    }
    case "volume":
      return (record, value) =>
        record.mounts.some(
          ({ volume, source, request }) => volume === value || request.target === value || source === value,
        );
    case "network":
      return (record, value) => record.config.networkMode === value;
    case "publish":
      return (record, value) =>
        record.config.ports.some((port) => portMatches(`${port.containerPort}/${port.protocol}`, value));
    case "expose":
      return (record, value) => record.exposedPorts.some((port) => portMatches(port, value));
    default:
      throw new EngineError("invalid-argument", `invalid filter '${key}'`);
  }
}

/** By name, by "namespace/name" or by the beginning of its id. */
export function podMatches({ id, name, namespace }: PodIdentity, wanted: string): boolean {
  return name === wanted || `${namespace}/${name}` === wanted || (wanted !== "" && id.startsWith(wanted));
}

function portMatches(port: string, wanted: string): boolean {
  return port === (wanted.includes("/") ? wanted : `${wanted}/tcp`);
}
