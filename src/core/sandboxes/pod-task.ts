// SPDX-License-Identifier: Apache-2.0

import type { Task } from "../tasks/task-runtime.ts";

/** The task that stands for a pod, while it runs. */
export interface PodTask {
  readonly task: Task;
  /** Resolves when its end has been recorded and what it used has been given back. */
  readonly settled: Promise<void>;
}
