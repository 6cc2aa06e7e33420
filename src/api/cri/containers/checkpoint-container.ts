// SPDX-License-Identifier: Apache-2.0

import { failedPrecondition } from "../../../base/errors.ts";
import type * as cri from "../../../gen/runtime/v1/api_pb.js";
import type { CriRuntime, Waiting } from "../runtime/deps.ts";
import { getContainer } from "../runtime/find.ts";

export async function checkpointContainer(
  { engine }: CriRuntime,
  { containerId }: cri.CheckpointContainerRequest,
  _waiting: Waiting,
): Promise<object> {
  const record = getContainer(engine, containerId);
  await Promise.resolve();
  throw failedPrecondition(`cannot checkpoint container ${record.id}: no criu`);
}
