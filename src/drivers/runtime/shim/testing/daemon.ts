// SPDX-License-Identifier: Apache-2.0
// A stand-in for a daemon that a test kills: opens the runtime, makes and starts the tasks of a request, and says so.

import { silentLogger } from "../../../../base/log.ts";
import type { TaskRequest } from "../../../../core/tasks/task-runtime.ts";
import { openShimRuntime, type ShimRuntimeDependencies } from "../runtime.ts";

const { dependencies, requests } = JSON.parse(process.argv[2] ?? "") as {
  readonly dependencies: Omit<ShimRuntimeDependencies, "logger">;
  readonly requests: readonly TaskRequest[];
};
const { signal } = new AbortController();
const runtime = await openShimRuntime({ ...dependencies, logger: silentLogger }, { signal });
for (const request of requests) {
  const task = await runtime.create(request, { signal });
  await task.start({ signal });
}
process.stdout.write("ready\n");
setInterval(() => {}, 60_000);
