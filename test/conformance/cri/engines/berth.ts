// SPDX-License-Identifier: Apache-2.0
// The daemon of this checkout as the engine.

import { chmod } from "node:fs/promises";
import path from "node:path";
import { startDaemon } from "../../../support/daemon.ts";
import type { Engine, EngineOptions } from "./engine.ts";

export async function startBerth({ runtime, hostsDirectory, networkDirectory }: EngineOptions): Promise<Engine> {
  const closers: (() => Promise<void>)[] = [];
  const daemon = await startDaemon(
    { after: (work) => void closers.push(work) },
    {
      config: `[registry]
config_path = ["${hostsDirectory}"]

[cri]
network_config_directory = "${networkDirectory}"

[runtime]
default = "${runtime.handler}"

[runtime.handlers.${runtime.handler}]
driver = "shim"
shim = "${runtime.shim}"
binary = "${runtime.binary}"
`,
    },
  );
  // The root of a user namespace has to get through.
  await chmod(daemon.directory, 0o711);
  return {
    socket: path.join(daemon.state, "cri.sock"),
    logFile: daemon.logFile,
    close: async () => {
      for (const close of closers) await close();
    },
  };
}
