// SPDX-License-Identifier: Apache-2.0

import type { ContainerId } from "../../../base/ids.ts";
import type { Engine } from "../../../core/lifecycle/engine.ts";
import type { StatisticsService } from "../../../core/metrics/statistics-service.ts";
import type { Task } from "../../../core/tasks/task-runtime.ts";

/** What the statistics calls need; an engine has all but the statistics themselves. */
export interface StatsDependencies extends Pick<Engine, "registry" | "sandboxes"> {
  readonly running: ReadonlyMap<ContainerId, { readonly task: Pick<Task, "cgroups"> }>;
  /** Where writable layers lie. */
  readonly snapshotter: Pick<Engine["snapshotter"], "root">;
  readonly statistics: StatisticsService;
}

/** How long a call may take. */
export interface CallOptions {
  readonly signal: AbortSignal;
}
