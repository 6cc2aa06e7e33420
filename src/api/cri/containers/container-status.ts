// SPDX-License-Identifier: Apache-2.0

import type * as cri from "../../../gen/runtime/v1/api_pb.js";
import { formatRuntimeSpec } from "../../../oci/runtime/spec-text.ts";
import type { CriRuntime } from "../runtime/deps.ts";
import { getContainer } from "../runtime/find.ts";
import { containerStatusMessage } from "./container-message.ts";

export function containerStatus({ engine }: CriRuntime, { containerId, verbose }: cri.ContainerStatusRequest) {
  const record = getContainer(engine, containerId);
  return { status: containerStatusMessage(engine, record), info: verbose ? verboseInfo(engine, record) : {} };
}

/** What crictl inspect shows besides: the shape is containerd's, which people's scripts read. */
function verboseInfo(engine: CriRuntime["engine"], record: ReturnType<typeof getContainer>) {
  const spec = engine.registry.findSpec(record.id);
  const info = {
    sandboxID: record.sandboxId,
    pid: record.state.pid,
    removing: record.state.status === "dead",
    snapshotKey: record.snapshotKey,
    snapshotter: record.snapshotter,
    runtimeType: record.handler,
    config: record.config,
  };
  const text = JSON.stringify(info);
  return { info: spec === undefined ? text : `${text.slice(0, -1)},"runtimeSpec":${formatRuntimeSpec(spec)}}` };
}
