// SPDX-License-Identifier: Apache-2.0

import type { CriRuntime } from "./deps.ts";

/** The first is that of this message, the last that of the interface: both stand still. */
export function versionOf({ version }: Pick<CriRuntime, "version">) {
  return { version: "0.1.0", runtimeName: "berth", runtimeVersion: version, runtimeApiVersion: "v1" };
}
