// SPDX-License-Identifier: Apache-2.0
// SystemService: what the daemon says of itself and of what happens.

import type { ServiceImpl } from "@connectrpc/connect";
import { defined } from "../../../base/defined.ts";
import { invalidArgument } from "../../../base/errors.ts";
import { labelMatches } from "../../../base/filter-values.ts";
import type { SandboxId } from "../../../base/ids.ts";
import { type PodIdentity, podMatches } from "../../../core/containers/container-filter.ts";
import type { EngineEvent } from "../../../core/events/event-bus.ts";
import type { Engine } from "../../../core/lifecycle/engine.ts";
import type { NetworkDriver } from "../../../core/networks/network-driver.ts";
import type { SystemService } from "../../../gen/berth/engine/v1/system_pb.js";
import { filtersOf } from "../messages.ts";

export interface SystemFacts {
  readonly version: string;
  readonly networks: NetworkDriver;
}

/** Of the engine API; raised when a client can tell the difference. */
const apiVersion = "1.0";

export function systemService(engine: Engine, facts: SystemFacts): ServiceImpl<typeof SystemService> {
  return {
    version() {
      return {
        version: facts.version,
        apiVersion,
        nodeVersion: process.version,
        os: "linux",
        architecture: engine.host.architecture,
        kernelVersion: engine.host.kernelVersion,
      };
    },
    async info(_request, { signal }) {
      const records = engine.registry.list();
      const count = (...statuses: string[]) =>
        records.filter((record) => statuses.includes(record.state.status)).length;
      const handlers = await engine.handlers.report({ signal });
      const { host } = engine;
      return {
        version: facts.version,
        rootDirectory: engine.settings.paths.root,
        stateDirectory: engine.settings.paths.state,
        containers: records.length,
        containersRunning: count("running"),
        containersPaused: count("paused"),
        containersStopped: count("created", "exited", "dead"),
        images: engine.images.list().length,
        snapshotter: engine.snapshotter.id,
        defaultRuntimeHandler: await engine.handlers.use(undefined, { signal }).then(
          ({ handler }) => handler.name,
          () => "",
        ),
        runtimeHandlers: handlers.map(({ name, features, problem }) => ({
          name,
          version: features === undefined ? "" : `${features.name} ${features.version}`,
          problem: problem ?? "",
        })),
        cgroupVersion: host.cgroup.version,
        cgroupHybrid: host.cgroup.hybrid,
        kernelVersion: host.kernelVersion,
        operatingSystem: host.operatingSystem,
        os: "linux",
        architecture: host.architecture,
        cpus: host.cpus,
        memoryBytes: BigInt(host.memoryBytes),
        hostname: host.hostname,
        networks: (await facts.networks.list()).map(({ name }) => name),
        securityOptions: [
          ...(host.seccomp ? ["seccomp"] : []),
          ...(host.apparmor ? ["apparmor"] : []),
          ...(host.selinux ? ["selinux"] : []),
        ],
      };
    },
    async *events(request, { signal }) {
      const matches = eventFilter(engine, filtersOf(request.filters));
      const events = engine.events.subscribe({
        signal,
        ...defined({ since: request.sinceNano, until: request.untilNano }),
      });
      yield {};
      for await (const event of events) {
        if (matches(event)) yield { event: { ...event, attributes: { ...event.attributes } } };
      }
    },
  };
}

const eventKeys = new Set([
  "type",
  "event",
  "container",
  "image",
  "network",
  "volume",
  "label",
  "daemon",
  "sandbox",
  "pod",
  "namespace",
]);

type EventSource = Pick<Engine, "sandboxes">;

/** Docker's, and pod and namespace: values of one key are alternatives, different keys must all hold. */
function eventFilter(
  engine: EventSource,
  filters: ReadonlyMap<string, readonly string[]>,
): (event: EngineEvent) => boolean {
  for (const key of filters.keys()) {
    if (!eventKeys.has(key)) throw invalidArgument(`invalid filter '${key}'`);
  }
  return (event) =>
    [...filters].every(([key, values]) => values.some((value) => eventMatches(engine, event, { key, value })));
}

function eventMatches(
  engine: EventSource,
  event: EngineEvent,
  { key, value }: { readonly key: string; readonly value: string },
): boolean {
  switch (key) {
    case "type":
      return event.type === value;
    case "event":
      return event.action === value || event.action.startsWith(`${value}:`);
    case "label":
      return labelMatches(event.attributes, value);
    case "pod": {
      const pod = podOfEvent(engine, event);
      return pod !== undefined && podMatches(pod, value);
    }
    case "namespace":
      return podOfEvent(engine, event)?.namespace === value;
    case "image":
      return (
        (event.type === "image" && (event.id === value || event.attributes["name"] === value)) ||
        event.attributes["image"] === value
      );
    default:
      return event.type === key && (event.id.startsWith(value) || event.attributes["name"] === value);
  }
}

/** The pod that it happened to, or to a container of it; without a name when that pod is gone. */
function podOfEvent(engine: EventSource, { type, id, attributes }: EngineEvent): PodIdentity | undefined {
  const { name = "", namespace = "", sandbox } = attributes;
  if (type === "sandbox") return { id, name, namespace };
  if (type !== "container" || sandbox === undefined) return undefined;
  const metadata = engine.sandboxes.find(sandbox as SandboxId)?.pod?.config.metadata;
  return { id: sandbox, name: metadata?.name ?? "", namespace: metadata?.namespace ?? "" };
}
