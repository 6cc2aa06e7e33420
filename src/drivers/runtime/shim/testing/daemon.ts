// SPDX-License-Identifier: Apache-2.0
// A stand-in for a daemon that a test kills: opens the runtime, makes and starts the tasks of a request, and says so, or
// kills itself at a failpoint.

import { armFailpoint } from "../../../../base/failpoint.ts";
import { silentLogger } from "../../../../base/log.ts";
import type { TaskRequest } from "../../../../core/tasks/task-runtime.ts";
import { openShimRuntime, type ShimRuntimeDependencies } from "../runtime.ts";

const { dependencies, requests, crashAt } = JSON.parse(process.argv[2] ?? "") as {
  readonly dependencies: Omit<ShimRuntimeDependencies, "logger">;
  readonly requests: readonly TaskRequest[];
  readonly crashAt?: string;
};
if (crashAt !== undefined) armFailpoint(crashAt, () => void process.kill(process.pid, "SIGKILL"));
const { signal } = new AbortController();
const runtime = await openShimRuntime({ ...dependencies, logger: silentLogger }, { signal });
for (const request of requests) {
  const task = await runtime.create(request, { signal });
  await task.start({ signal });
}
process.stdout.write("ready\n");
setInterval(() => {}, 60_000);
