// SPDX-License-Identifier: Apache-2.0
// The daemon of this checkout as the engine.

import path from "node:path";
import { startDaemon } from "../../../support/daemon.ts";
import type { Engine, EngineOptions } from "./engine.ts";
import { makePodNetwork } from "./pod-network.ts";

export async function startBerth({ directory, runtime, hostsDirectory }: EngineOptions): Promise<Engine> {
  const closers: (() => Promise<void>)[] = [];
  const network = await makePodNetwork(directory);
  closers.push(async () => await network.close());
  const daemon = await startDaemon(
    { after: (work) => void closers.push(work) },
    {
      config: `[registry]
config_path = ["${hostsDirectory}"]

[cri]
network_config_directory = "${network.configDirectory}"

[runtime]
default = "${runtime.handler}"

[runtime.handlers.${runtime.handler}]
driver = "shim"
shim = "${runtime.shim}"
binary = "${runtime.binary}"
`,
    },
  );
  return {
    socket: path.join(daemon.state, "cri.sock"),
    logFile: daemon.logFile,
    close: async () => {
      await using ends = new AsyncDisposableStack();
      for (const close of closers) ends.defer(close);
    },
  };
}
