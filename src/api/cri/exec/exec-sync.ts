// SPDX-License-Identifier: Apache-2.0

import { invalidArgument } from "../../../base/errors.ts";
import { captureExec } from "../../../core/lifecycle/exec/capture-exec.ts";
import type * as cri from "../../../gen/runtime/v1/api_pb.js";
import type { CriRuntime, Waiting } from "../runtime/deps.ts";
import { getContainer } from "../runtime/find.ts";

/** Of each stream: what a container says must not fill the daemon's memory (CVE-2022-31030). */
const maximumBytes = 16 * 1024 * 1024;

/** deadline-exceeded when the command takes longer than its timeout; all that it started in its group is then killed. */
export async function execSync(
  { engine }: CriRuntime,
  { containerId, cmd, timeout }: cri.ExecSyncRequest,
  { signal }: Waiting,
) {
  if (cmd.length === 0) throw invalidArgument("the request names no command");
  const timeoutSeconds = Number(timeout);
  if (timeoutSeconds < 0) throw invalidArgument(`invalid timeout: ${timeoutSeconds} seconds`);
  const record = getContainer(engine, containerId);
  return await captureExec(
    engine,
    record.id,
    { command: cmd, environment: [], terminal: false, privileged: false },
    { timeoutSeconds, maximumBytes, signal },
  );
}
