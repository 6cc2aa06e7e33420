// SPDX-License-Identifier: Apache-2.0
// What is done to a container that is there already, beside starting, stopping and removing it.

import type { ServiceImpl } from "@connectrpc/connect";
import { defined } from "../../../base/defined.ts";
import type { Engine } from "../../../core/lifecycle/engine.ts";
import { pauseContainer, unpauseContainer } from "../../../core/lifecycle/pause-container.ts";
import { renameContainer } from "../../../core/lifecycle/rename-container.ts";
import { restartContainer } from "../../../core/lifecycle/restart-container.ts";
import { topContainer } from "../../../core/lifecycle/top-container.ts";
import { updateContainer } from "../../../core/lifecycle/update-container.ts";
import type { ContainerService } from "../../../gen/berth/engine/v1/container_pb.js";
import { resources, restartPolicy } from "./config.ts";

type Operations = Pick<
  ServiceImpl<typeof ContainerService>,
  "restart" | "pause" | "unpause" | "rename" | "top" | "update"
>;

export function containerOperations(engine: Engine): Operations {
  return {
    async restart(request, { signal }) {
      await restartContainer(engine, request.container, {
        signal,
        ...defined({ timeoutSeconds: request.timeoutSeconds, posixSignal: request.signal || undefined }),
      });
      return {};
    },
    async pause(request, { signal }) {
      await pauseContainer(engine, request.container, { signal });
      return {};
    },
    async unpause(request, { signal }) {
      await unpauseContainer(engine, request.container, { signal });
      return {};
    },
    async rename(request, { signal }) {
      await renameContainer(engine, request.container, { newName: request.newName, signal });
      return {};
    },
    async update(request, { signal }) {
      const change = {
        resources: resources(request.resources),
        ...(request.restartPolicy !== undefined && { restartPolicy: restartPolicy(request.restartPolicy) }),
      };
      await updateContainer(engine, request.container, change, { signal });
      return {};
    },
    async top(request, { signal }) {
      const table = await topContainer(engine, request.container, { parameters: request.arguments, signal });
      return { titles: [...table.titles], processes: table.processes.map((fields) => ({ values: [...fields] })) };
    },
  };
}
