// SPDX-License-Identifier: Apache-2.0

import { hasCode } from "../../../base/errors.ts";
import { removeContainer as removeInEngine } from "../../../core/lifecycle/remove-container.ts";
import type * as cri from "../../../gen/runtime/v1/api_pb.js";
import type { CriRuntime, Waiting } from "../runtime/deps.ts";
import { findContainer } from "../runtime/find.ts";

/** Also while it runs; succeeds for one that is not there. */
export async function removeContainer(
  { engine }: CriRuntime,
  { containerId }: cri.RemoveContainerRequest,
  { signal }: Waiting,
) {
  const record = findContainer(engine, containerId);
  if (record === undefined) return {};
  try {
    await removeInEngine(engine, record.id, { force: true, volumes: true, signal });
  } catch (error) {
    if (!hasCode(error, "not-found")) throw error;
  }
  return {};
}
