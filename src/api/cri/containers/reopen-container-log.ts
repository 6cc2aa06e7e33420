// SPDX-License-Identifier: Apache-2.0

import { failedPrecondition } from "../../../base/errors.ts";
import type * as cri from "../../../gen/runtime/v1/api_pb.js";
import type { CriRuntime } from "../runtime/deps.ts";
import { getContainer } from "../runtime/find.ts";

/** Goes on in a new file at the log's path; only of a container that runs. */
export async function reopenContainerLog({ engine }: CriRuntime, { containerId }: cri.ReopenContainerLogRequest) {
  const record = getContainer(engine, containerId);
  const running = engine.running.get(record.id);
  if (running === undefined) throw failedPrecondition(`container ${record.id} is not running: its log is closed`);
  await running.io.log?.reopen();
  return {};
}
