// SPDX-License-Identifier: Apache-2.0
// What a person asked for through the environment.

import path from "node:path";
import type { Run } from "./matrix.ts";

/** Regular expression of the specs to run; all unless told. */
export const focus = process.env["FOCUS"];

/** berth, or containerd to compare with. */
export const engineName = process.env["ENGINE"] ?? "berth";

/** Whether the result is what docs/conformance.md tells. */
export const isOfficial = focus === undefined && engineName === "berth";

/** Where critest's own reports are kept, with its output and the engine's log beside them. */
export const reportsDirectory = path.join(
  import.meta.dirname,
  "../../../build/conformance",
  ...(isOfficial ? [] : [focus === undefined ? engineName : `${engineName}-focus`]),
);

export function reportFile({ name }: Run): string {
  return path.join(reportsDirectory, `${name}.xml`);
}
