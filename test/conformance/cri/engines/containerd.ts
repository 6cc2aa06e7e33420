// SPDX-License-Identifier: Apache-2.0
// containerd as the engine: what it passes shows that images, registry and reports are right, whatever Berth does.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { unmountAll } from "../../../../src/linux/mount/unmount.ts";
import type { Engine, EngineOptions } from "./engine.ts";

const pluginDirectories = ["/opt/cni/bin", "/usr/lib/cni"];

/** The programs stand in the directory. */
export async function startContainerd(programs: string, options: EngineOptions): Promise<Engine> {
  const { directory, runtime } = options;
  const binary = runtime.handler === "crun" ? await wrapOldRuntime(directory, runtime.binary) : runtime.binary;
  const file = path.join(directory, "containerd.toml");
  const socket = path.join(directory, "state/containerd.sock");
  await writeFile(file, configuration({ ...options, runtime: { ...runtime, binary } }, socket));
  const logFile = path.join(directory, "engine.log");
  const log = openSync(logFile, "a");
  const child = spawn(path.join(programs, "containerd"), ["--config", file], {
    stdio: ["ignore", log, log],
    env: { ...process.env, PATH: `${path.dirname(runtime.shim)}:${process.env["PATH"]}` },
  });
  closeSync(log);
  return {
    socket,
    logFile,
    close: async () => {
      if (child.exitCode === null && child.signalCode === null) {
        const exited = once(child, "exit");
        child.kill("SIGTERM");
        await exited;
      }
      await unmountAll(directory);
    },
  };
}

/** Debian 12's crun refuses specifications of a newer version than it knows, and containerd writes no older one. */
async function wrapOldRuntime(directory: string, binary: string): Promise<string> {
  const wrapper = path.join(directory, "runtime-wrapper");
  const script = `#!/bin/sh
for word in "$@"; do
  [ "$previous" != --bundle ] || sed -i 's/"ociVersion":"[^"]*"/"ociVersion":"1.0.0"/' "$word/config.json"
  previous=$word
done
exec ${binary} "$@"
`;
  await writeFile(wrapper, script, { mode: 0o755 });
  return wrapper;
}

function configuration({ directory, runtime, hostsDirectory, networkDirectory }: EngineOptions, socket: string) {
  return `version = 3
root = "${directory}/root"
state = "${directory}/state"
imports = []
disabled_plugins = ["io.containerd.nri.v1.nri"]

[grpc]
address = "${socket}"

[ttrpc]
address = "${socket}.ttrpc"

[plugins."io.containerd.cri.v1.images".pinned_images]
sandbox = "registry.k8s.io/pause:3.10"

[plugins."io.containerd.cri.v1.images".registry]
config_path = "${hostsDirectory}"

[plugins."io.containerd.cri.v1.runtime"]
restrict_oom_score_adj = true
netns_mounts_under_state_dir = true

[plugins."io.containerd.cri.v1.runtime".cni]
bin_dirs = ${JSON.stringify(pluginDirectories)}
conf_dir = "${networkDirectory}"

[plugins."io.containerd.cri.v1.runtime".containerd]
default_runtime_name = "${runtime.handler}"

[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.${runtime.handler}]
runtime_type = "io.containerd.runc.v2"
runtime_path = "${runtime.shim}"

[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.${runtime.handler}.options]
BinaryName = "${runtime.binary}"
Root = "${directory}/runtime"
`;
}
