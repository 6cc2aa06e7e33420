// SPDX-License-Identifier: Apache-2.0
// Finds executables that a configuration names by path or by name.

import { accessSync, constants } from "node:fs";
import { isAbsolute, join } from "node:path";
import { failedPrecondition } from "../base/errors.ts";

/** The absolute path of an executable that is a path already or a name on PATH; failed-precondition when there is none. */
export function findExecutable(name: string, path = process.env["PATH"] ?? ""): string {
  const candidates = isAbsolute(name) ? [name] : path.split(":").map((folder) => join(folder || ".", name));
  for (const candidate of candidates) {
    try {
      accessSync(candidate, constants.X_OK);
      return candidate;
    } catch {
      // not this one
    }
  }
  throw failedPrecondition(
    isAbsolute(name) ? `${name} is not an executable` : `${name} is not on PATH: install it or name its path`,
  );
}
