// SPDX-License-Identifier: Apache-2.0

import path from "node:path";
import type { Run } from "./matrix.ts";

/** Where critest's own reports are kept, with its output and the engine's log beside them. */
export const reportsDirectory = path.join(import.meta.dirname, "../../../build/conformance");

export function reportFile({ name }: Run): string {
  return path.join(reportsDirectory, `${name}.xml`);
}
