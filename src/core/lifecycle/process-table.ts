// SPDX-License-Identifier: Apache-2.0
// What ps prints, as a table.

import { invalidArgument } from "../../base/errors.ts";

export interface ProcessTable {
  readonly titles: readonly string[];
  /** As many fields each as there are titles; the last has the rest of the line. */
  readonly processes: readonly (readonly string[])[];
}

/** Only the processes with these ids; invalid-argument when ps was not asked for ids. */
export function parseProcessTable(text: string, pids: readonly number[]): ProcessTable {
  const [header = "", ...lines] = text.split("\n");
  const titles = header.split(/\s+/).filter((title) => title !== "");
  const pidColumn = titles.indexOf("PID");
  if (pidColumn === -1) throw invalidArgument("couldn't find PID field in ps output");
  const wanted = new Set(pids.map(String));
  const processes = lines
    .map((line) => fieldsOf(line, titles.length))
    .filter((fields) => wanted.has(fields[pidColumn] ?? ""));
  return { titles, processes };
}

function fieldsOf(line: string, count: number): readonly string[] {
  const fields = line.trim().split(/\s+/);
  return [...fields.slice(0, count - 1), fields.slice(count - 1).join(" ")];
}
