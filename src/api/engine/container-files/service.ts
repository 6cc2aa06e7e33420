// SPDX-License-Identifier: Apache-2.0
// ContainerFilesService: each method parses its request, calls core and gives the answer as a message.

import type { ServiceImpl } from "@connectrpc/connect";
import { containerChanges } from "../../../core/lifecycle/container-changes.ts";
import type { Engine } from "../../../core/lifecycle/engine.ts";
import { exportContainer } from "../../../core/lifecycle/export-container.ts";
import { type ContainerFilesService, FileChangeKind } from "../../../gen/berth/engine/v1/container_files_pb.js";

const changeKinds = {
  added: FileChangeKind.ADDED,
  changed: FileChangeKind.CHANGED,
  removed: FileChangeKind.REMOVED,
} as const;

export function containerFilesService(engine: Engine): ServiceImpl<typeof ContainerFilesService> {
  return {
    async changes({ container }, { signal }) {
      const changes = await containerChanges(engine, container, { signal });
      return { changes: changes.map(({ path, kind }) => ({ path, kind: changeKinds[kind] })) };
    },
    async *export({ container }, { signal }) {
      for await (const chunk of exportContainer(engine, container, { signal })) yield { chunk };
    },
  };
}
