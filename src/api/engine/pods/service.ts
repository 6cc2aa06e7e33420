// SPDX-License-Identifier: Apache-2.0
// PodService: pods are their orchestrator's; people look at them here.

import type { ServiceImpl } from "@connectrpc/connect";
import type { Engine } from "../../../core/lifecycle/engine.ts";
import { membersOf } from "../../../core/pods/stop-pod.ts";
import type { PodService } from "../../../gen/berth/engine/v1/pod_pb.js";
import { filtersOf } from "../messages.ts";
import { findPod, listVisiblePods } from "./find-pod.ts";
import { toPodMessage } from "./message.ts";
import { podFilter } from "./pod-filter.ts";

export function podService(engine: Engine): ServiceImpl<typeof PodService> {
  return {
    list(request) {
      const matches = podFilter(filtersOf(request.filters));
      const pods = listVisiblePods(engine).filter(matches);
      const members = Map.groupBy(engine.registry.list(), ({ sandboxId }) => sandboxId);
      return { pods: pods.map((pod) => toPodMessage(pod, members.get(pod.id) ?? [])) };
    },
    inspect(request) {
      const pod = findPod(engine, request.pod);
      return { pod: toPodMessage(pod, membersOf(engine, pod.id)) };
    },
  };
}
