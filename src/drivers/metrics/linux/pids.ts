// SPDX-License-Identifier: Apache-2.0

import type { PidsStatistics } from "../../../core/metrics/statistics.ts";
import { readCount } from "../../../linux/cgroup/stat-file.ts";

/** The same files in both versions; undefined where the controller is off. */
export function readPids(directory: string | undefined, full: boolean): PidsStatistics | undefined {
  if (directory === undefined) return undefined;
  const current = readCount(directory, "pids.current");
  if (current === undefined) return undefined;
  const limit = full ? readCount(directory, "pids.max") : undefined;
  return { current, ...(limit !== undefined && { limit }) };
}
