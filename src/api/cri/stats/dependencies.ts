// SPDX-License-Identifier: Apache-2.0

import type { ContainerId } from "../../../base/ids.ts";
import type { ContainerRegistry } from "../../../core/containers/container-registry.ts";
import type { StatisticsService } from "../../../core/metrics/statistics-service.ts";
import type { SandboxService } from "../../../core/sandboxes/sandbox-service.ts";
import type { Snapshotter } from "../../../core/snapshots/snapshotter.ts";
import type { Task } from "../../../core/tasks/task-runtime.ts";

/** What the statistics calls need; an engine has all but the statistics themselves. */
export interface StatsDependencies {
  readonly registry: Pick<ContainerRegistry, "list">;
  readonly sandboxes: Pick<SandboxService, "list">;
  readonly running: ReadonlyMap<ContainerId, { readonly task: Pick<Task, "cgroups"> }>;
  /** Where writable layers lie. */
  readonly snapshotter: Pick<Snapshotter, "root">;
  readonly statistics: StatisticsService;
}

/** How long a call may take. */
export interface CallOptions {
  readonly signal: AbortSignal;
}
