// SPDX-License-Identifier: Apache-2.0
// A pod as its message.

import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { IdMapping } from "../../../base/id-mapping.ts";
import type { ContainerRecord } from "../../../core/containers/container.ts";
import { podAddresses } from "../../../core/lifecycle/state/hook-views.ts";
import type { PodRecord } from "../../../core/sandboxes/sandbox.ts";
import { type Pod, type PodNamespacesSchema, PodSchema } from "../../../gen/berth/engine/v1/pod_pb.js";
import { networkMessage } from "./network-message.ts";

/** What clients see now of a pod with these containers. */
export function toPodMessage(record: PodRecord, members: readonly ContainerRecord[]): Pod {
  const { config, handler, cgroupParent, pid } = record.pod;
  const { name, namespace, uid, attempt } = config.metadata;
  return create(PodSchema, {
    id: record.id,
    name,
    namespace,
    uid,
    attempt,
    createdAt: timestampFromMs(record.createdAt),
    state: record.status,
    labels: config.labels,
    annotations: config.annotations,
    runtimeHandler: handler,
    hostname: record.hostname,
    logDirectory: config.logDirectory,
    cgroupParent,
    pid,
    privileged: config.privileged,
    namespaces: namespaces(record),
    addresses: [...podAddresses(record)],
    networks: record.attachments.map(networkMessage),
    ports: [...config.ports],
    ...(config.dns !== undefined && {
      dns: {
        servers: [...config.dns.servers],
        searches: [...config.dns.searches],
        options: [...config.dns.options],
      },
    }),
    sysctls: config.sysctls,
    containers: members.map(({ id, pod, state }) => ({
      id,
      name: pod?.name ?? "",
      attempt: pod?.attempt ?? 0,
      status: state.status,
    })),
  });
}

function namespaces({ namespaces: pinned, pod }: PodRecord): MessageInitShape<typeof PodNamespacesSchema> {
  const { config, pid } = pod;
  return {
    network: { mode: config.network, path: pinned.network ?? "" },
    ipc: { mode: config.ipc, path: pinned.ipc ?? "" },
    pid: { mode: config.pid, path: config.pid === "pod" && pid > 0 ? `/proc/${pid}/ns/pid` : "" },
    ...(config.userNamespace !== undefined && {
      user: {
        path: pinned.user ?? "",
        uids: config.userNamespace.uidMappings.map(range),
        gids: config.userNamespace.gidMappings.map(range),
      },
    }),
  };
}

function range({ containerId, hostId, size }: IdMapping) {
  return { containerId, hostId, size };
}
