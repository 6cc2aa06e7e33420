// SPDX-License-Identifier: Apache-2.0
// A pod of the engine as CRI shows it.

import type { MessageInitShape } from "@bufbuild/protobuf";
import { podAddresses } from "../../../core/lifecycle/state/hook-views.ts";
import type { PodConfig } from "../../../core/sandboxes/pod.ts";
import type { PodRecord } from "../../../core/sandboxes/sandbox.ts";
import * as cri from "../../../gen/runtime/v1/api_pb.js";
import { toNanoseconds } from "../times.ts";
import { mappingMessage } from "./mapping-messages.ts";

/** What a list shows and a status begins with. */
export function podMessage(record: PodRecord) {
  const { config } = record.pod;
  return {
    id: record.id,
    metadata: config.metadata,
    state: podState(record),
    createdAt: toNanoseconds(record.createdAt),
    labels: config.labels,
    annotations: config.annotations,
    // As it was asked for: the kubelet compares it with its own.
    runtimeHandler: config.runtimeHandler ?? "",
  } satisfies MessageInitShape<typeof cri.PodSandboxSchema>;
}

export function podState({ status }: PodRecord): cri.PodSandboxState {
  return status === "ready" ? cri.PodSandboxState.SANDBOX_READY : cri.PodSandboxState.SANDBOX_NOTREADY;
}

export function podStatusMessage(record: PodRecord): MessageInitShape<typeof cri.PodSandboxStatusSchema> {
  const [ip = "", ...others] = podAddresses(record);
  return {
    ...podMessage(record),
    network: { ip, additionalIps: others.map((address) => ({ ip: address })) },
    linux: { namespaces: { options: namespaceOptions(record.pod.config) } },
  };
}

const modes = {
  pod: cri.NamespaceMode.POD,
  container: cri.NamespaceMode.CONTAINER,
  host: cri.NamespaceMode.NODE,
} as const satisfies Record<PodConfig["pid"], cri.NamespaceMode>;

function namespaceOptions({ network, pid, ipc, userNamespace }: PodConfig) {
  return {
    network: modes[network],
    pid: modes[pid],
    ipc: modes[ipc],
    ...(userNamespace !== undefined && {
      usernsOptions: {
        mode: cri.NamespaceMode.POD,
        uids: userNamespace.uidMappings.map(mappingMessage),
        gids: userNamespace.gidMappings.map(mappingMessage),
      },
    }),
  } satisfies MessageInitShape<typeof cri.NamespaceOptionSchema>;
}
