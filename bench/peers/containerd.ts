// SPDX-License-Identifier: Apache-2.0

import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { openSync, writeFileSync } from "node:fs";
import path from "node:path";
import { benchImage } from "./berth.ts";
import type { MissingPeer, Peer, PeerOptions } from "./peer.ts";

/** A containerd of its own, driven by ctr; the one on PATH. */
export async function openContainerd({ directory, archive }: PeerOptions): Promise<Peer | MissingPeer> {
  if (spawnSync("ctr", ["--version"]).status !== 0) return { missing: "containerd (no ctr on PATH)" };
  const socket = path.join(directory, "run/containerd.sock");
  const config = path.join(directory, "containerd.toml");
  writeFileSync(
    config,
    `version = 2
root = "${path.join(directory, "containerd-root")}"
state = "${path.join(directory, "run/containerd")}"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "${socket}"
`,
  );
  const log = openSync(path.join(directory, "containerd.log"), "w");
  const daemon = spawn("containerd", ["--config", config], { stdio: ["ignore", log, log] });
  const ctr = ["--address", socket];
  for (const deadline = Date.now() + 20_000; spawnSync("ctr", [...ctr, "version"]).status !== 0; ) {
    if (Date.now() > deadline) throw new Error(`containerd did not get ready: see ${directory}/containerd.log`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  execFileSync("ctr", [...ctr, "images", "import", archive], { stdio: "ignore" });
  return {
    contenders: [
      {
        name: "ctr run --rm (no network)",
        command: "ctr",
        args: (round) => [...ctr, "run", "--rm", benchImage, `bench-${round}`, "true"],
        isReference: true,
      },
    ],
    async [Symbol.asyncDispose]() {
      const exited = once(daemon, "exit");
      daemon.kill("SIGTERM");
      await exited;
    },
  };
}
