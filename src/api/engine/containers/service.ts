// SPDX-License-Identifier: Apache-2.0
// ContainerService: each method parses its request, calls core and gives the answer as a message.

import type { ServiceImpl } from "@connectrpc/connect";
import { defined } from "../../../base/defined.ts";
import { invalidArgument } from "../../../base/errors.ts";
import { createContainer } from "../../../core/lifecycle/create-container.ts";
import type { Engine } from "../../../core/lifecycle/engine.ts";
import { resizeTerminal } from "../../../core/lifecycle/exec/resize-terminal.ts";
import { killContainer, stopContainer } from "../../../core/lifecycle/kill-container.ts";
import { removeContainer } from "../../../core/lifecycle/remove-container.ts";
import { startContainer } from "../../../core/lifecycle/start-container.ts";
import type { ContainerService } from "../../../gen/berth/engine/v1/container_pb.js";
import { attach } from "./attach.ts";
import { fromConfigMessage } from "./config.ts";
import { exec, execDetached } from "./exec.ts";
import { containerSizes, listContainers } from "./list.ts";
import { logs } from "./logs.ts";
import { toContainerMessage } from "./message.ts";
import { containerOperations } from "./operations.ts";
import { wait } from "./wait.ts";

export function containerService(engine: Engine): ServiceImpl<typeof ContainerService> {
  return {
    ...containerOperations(engine),
    async create(request, { signal }) {
      if (request.config === undefined) throw invalidArgument("no container configuration given");
      const config = fromConfigMessage(request.config);
      const { record, warnings } = await createContainer(engine, { name: request.name, config }, { signal });
      return { id: record.id, warnings: [...warnings] };
    },
    async start(request, { signal }) {
      return await startContainer(engine, request.container, { signal });
    },
    async stop(request, { signal }) {
      return await stopContainer(engine, request.container, {
        signal,
        ...defined({ timeoutSeconds: request.timeoutSeconds, posixSignal: request.signal || undefined }),
      });
    },
    async kill(request, { signal }) {
      await killContainer(engine, request.container, { posixSignal: request.signal, signal });
      return {};
    },
    async remove(request, { signal }) {
      await removeContainer(engine, request.container, { force: request.force, volumes: request.volumes, signal });
      return {};
    },
    async list(request, { signal }) {
      return await listContainers(engine, request, signal);
    },
    async inspect(request, { signal }) {
      const record = engine.registry.get(request.container);
      const sizes = request.size ? await containerSizes(engine, record, signal) : undefined;
      return { container: toContainerMessage(engine, record, sizes) };
    },
    wait: (request, { signal }) => wait(engine, request, signal),
    logs: (request, { signal }) => logs(engine, request, signal),
    attach: (requests, { signal }) => attach(engine, requests, signal),
    exec: (requests, { signal }) => exec(engine, requests, signal),
    async execDetached(request, { signal }) {
      return await execDetached(engine, request, signal);
    },
    async resize(request, { signal }) {
      const { width = 0, height = 0 } = request.size ?? {};
      await resizeTerminal(engine, request.container, { execId: request.execId, width, height, signal });
      return {};
    },
  };
}
