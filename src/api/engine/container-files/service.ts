// SPDX-License-Identifier: Apache-2.0
// ContainerFilesService: each method parses its request, calls core and gives the answer as a message.

import type { ServiceImpl } from "@connectrpc/connect";
import { invalidArgument } from "../../../base/errors.ts";
import { commitContainer } from "../../../core/lifecycle/commit-container.ts";
import { containerChanges } from "../../../core/lifecycle/container-changes.ts";
import type { Engine } from "../../../core/lifecycle/engine.ts";
import { exportContainer } from "../../../core/lifecycle/export-container.ts";
import type { ArchiveImportDeps } from "../../../core/transfer/archive-import.ts";
import { type ContainerFilesService, FileChangeKind } from "../../../gen/berth/engine/v1/container_files_pb.js";
import { formatReference, parseReference, withDefaultTag } from "../../../oci/reference/reference.ts";

const changeKinds = {
  added: FileChangeKind.ADDED,
  changed: FileChangeKind.CHANGED,
  removed: FileChangeKind.REMOVED,
} as const;

export function containerFilesService(
  engine: Engine,
  archives: ArchiveImportDeps,
): ServiceImpl<typeof ContainerFilesService> {
  return {
    async changes({ container }, { signal }) {
      const changes = await containerChanges(engine, container, { signal });
      return { changes: changes.map(({ path, kind }) => ({ path, kind: changeKinds[kind] })) };
    },
    async *export({ container }, { signal }) {
      for await (const chunk of exportContainer(engine, container, { signal })) yield { chunk };
    },
    async commit(request, { signal }) {
      const { author, message, changes } = request;
      const reference = request.reference === "" ? undefined : commitReference(request.reference);
      const options = { author, message, changes, pause: !request.noPause, reference, signal };
      return { id: (await commitContainer(engine, archives, request.container, options)).id };
    },
  };
}

function commitReference(text: string): string {
  const reference = parseReference(text);
  if (reference.digest !== undefined) throw invalidArgument("cannot commit to digest reference");
  return formatReference(withDefaultTag(reference));
}
