// SPDX-License-Identifier: Apache-2.0

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { PodView } from "../../../../core/hooks/hook-views.ts";
import type { PodSandboxSchema } from "../../../../gen/nri/pkg/api/v1alpha1/api_pb.js";
import { resourcesToNri } from "./resources.ts";

/** A pod as plugins see it. */
export function podToNri(pod: PodView): MessageInitShape<typeof PodSandboxSchema> {
  return {
    id: pod.id,
    name: pod.name,
    uid: pod.uid,
    namespace: pod.namespace,
    labels: { ...pod.labels },
    annotations: { ...pod.annotations },
    runtimeHandler: pod.runtimeHandler,
    pid: pod.pid,
    ips: [...pod.ips],
    linux: {
      cgroupParent: pod.cgroupParent,
      namespaces: pod.namespaces.map(({ type, path }) => ({ type, path: path ?? "" })),
      ...(pod.overhead !== undefined && { podOverhead: resourcesToNri(pod.overhead) }),
      ...(pod.resources !== undefined && { podResources: resourcesToNri(pod.resources) }),
    },
  };
}
