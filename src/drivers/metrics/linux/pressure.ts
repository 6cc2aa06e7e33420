// SPDX-License-Identifier: Apache-2.0

import type { CgroupStatistics } from "../../../core/metrics/statistics.ts";
import { parsePressure } from "../../../linux/cgroup/pressure.ts";
import { readStatFile } from "../../../linux/cgroup/stat-file.ts";

const resources = ["cpu", "memory", "io"] as const;

/** What a cgroup of version 2 waited for; nothing without the directory, or where the kernel does not measure it. */
export function readPressure(directory: string | undefined): CgroupStatistics["pressure"] {
  if (directory === undefined) return {};
  const found = resources.flatMap((resource) => {
    const text = readStatFile(directory, `${resource}.pressure`);
    return text === undefined ? [] : [[resource, parsePressure(text)] as const];
  });
  return Object.fromEntries(found);
}
