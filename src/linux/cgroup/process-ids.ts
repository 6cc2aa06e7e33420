// SPDX-License-Identifier: Apache-2.0

import { readdirSync } from "node:fs";
import { ifThereSync } from "../../host/files/errno.ts";
import { readStatFile } from "./stat-file.ts";

/** The processes in a cgroup and in those below it, synchronously; none when it is gone. */
export function readProcessIds(directory: string): readonly number[] {
  const own = readStatFile(directory, "cgroup.procs")?.split("\n").filter(Boolean).map(Number) ?? [];
  const entries = ifThereSync(() => readdirSync(directory, { withFileTypes: true })) ?? [];
  const below = entries.filter((entry) => entry.isDirectory());
  return [...own, ...below.flatMap(({ name }) => readProcessIds(`${directory}/${name}`))];
}
