// SPDX-License-Identifier: Apache-2.0

import { homedir } from "node:os";
import path from "node:path";

/** Where what was downloaded or built once is kept, beside the peers that tools/build-peers.sh builds. */
export function cacheDirectory(): string {
  return path.join(process.env["XDG_CACHE_HOME"] ?? path.join(homedir(), ".cache"), "berth", "conformance");
}
