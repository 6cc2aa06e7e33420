// SPDX-License-Identifier: Apache-2.0
// containerd as the engine: what it passes shows that images, registry and reports are right, whatever Berth does.

import { spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { unmountAll, mountPointsWithin } from "../../../../src/linux/mount/unmount.ts";
import type { Engine, EngineOptions } from "./engine.ts";

const pluginDirectories = ["/opt/cni/bin", "/usr/lib/cni"];

/** The programs stand in the directory. */
export async function startContainerd(
  programs: string,
  { directory, runtime, hostsDirectory }: EngineOptions,
): Promise<Engine> {
  const networks = path.join(directory, "cni");
  const bridge = `bct-${randomInt(1 << 20).toString(16)}`;
  await mkdir(networks, { recursive: true });
  await writeFile(path.join(networks, "10-net.conflist"), JSON.stringify(networkList(directory, bridge)));
  const file = path.join(directory, "containerd.toml");
  const socket = path.join(directory, "state/containerd.sock");
  await writeFile(file, configuration({ directory, runtime, hostsDirectory }, networks, socket));
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
      const removed = spawn("ip", ["link", "delete", bridge], { stdio: "ignore" });
      await once(removed, "exit");
      for (const mount of [...(await mountPointsWithin(directory))].reverse()) await unmountAll(mount);
    },
  };
}

function configuration({ directory, runtime, hostsDirectory }: EngineOptions, networks: string, socket: string) {
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
conf_dir = "${networks}"

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

function networkList(directory: string, bridge: string) {
  const subnet = `10.${randomInt(100, 250)}.${randomInt(0, 256)}.0/24`;
  return {
    cniVersion: "1.0.0",
    name: bridge,
    plugins: [
      {
        type: "bridge",
        bridge,
        isGateway: true,
        ipMasq: true,
        ipam: {
          type: "host-local",
          dataDir: path.join(directory, "addresses"),
          ranges: [[{ subnet }]],
          routes: [{ dst: "0.0.0.0/0" }],
        },
      },
      { type: "portmap", capabilities: { portMappings: true } },
    ],
  };
}
