// SPDX-License-Identifier: Apache-2.0

import { invalidArgument } from "../../../base/errors.ts";
import { cleanPath } from "../../../base/parse/clean-path.ts";

/** The first that is given, clean, or "/"; invalid-argument when it is not absolute or names an open descriptor. */
export function resolveWorkingDirectory(...candidates: readonly (string | undefined)[]): string {
  const path = candidates.find((candidate) => candidate !== undefined && candidate !== "");
  if (path === undefined) return "/";
  if (!path.startsWith("/")) {
    throw invalidArgument(`the working directory '${path}' is invalid, it needs to be an absolute path`);
  }
  const clean = cleanPath(path);
  // A descriptor that a runtime left open may lead out of the container (CVE-2024-21626).
  if (/^\/proc\/([^/]+\/)+fd(\/|$)/.test(clean)) {
    throw invalidArgument(`the working directory '${path}' is invalid, it names an open file descriptor`);
  }
  return clean;
}
