// SPDX-License-Identifier: Apache-2.0

import { readdirSync } from "node:fs";
import type { HugepageStatistics } from "../../../core/metrics/statistics.ts";
import { ifThereSync } from "../../../host/files/errno.ts";
import { readCount } from "../../../linux/cgroup/stat-file.ts";

/** Sizes as the cgroup's files name them, of "hugepages-2048kB"; they do not change while the machine runs. */
let pageSizes: readonly string[] | undefined;

/** Huge pages of every size; undefined where the controller is off. */
export function readHugepages(
  directory: string | undefined,
  version: 1 | 2,
): readonly HugepageStatistics[] | undefined {
  if (directory === undefined) return undefined;
  pageSizes ??= (ifThereSync(() => readdirSync("/sys/kernel/mm/hugepages")) ?? []).flatMap(toPageSize);
  const found = pageSizes.flatMap((pageSize): HugepageStatistics[] => {
    const usageBytes = readCount(directory, `hugetlb.${pageSize}.${version === 1 ? "usage_in_bytes" : "current"}`);
    if (usageBytes === undefined) return [];
    const peakBytes = version === 1 ? readCount(directory, `hugetlb.${pageSize}.max_usage_in_bytes`) : undefined;
    return [{ pageSize, usageBytes, ...(peakBytes !== undefined && { peakBytes }) }];
  });
  return found.length === 0 ? undefined : found;
}

function toPageSize(name: string): string[] {
  const kibibytes = Number(/^hugepages-(\d+)kB$/.exec(name)?.[1]);
  if (Number.isNaN(kibibytes)) return [];
  if (kibibytes >= 1024 ** 2) return [`${kibibytes / 1024 ** 2}GB`];
  return [kibibytes >= 1024 ? `${kibibytes / 1024}MB` : `${kibibytes}KB`];
}
