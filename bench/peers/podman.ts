// SPDX-License-Identifier: Apache-2.0

import { execFileSync, spawnSync } from "node:child_process";
import path from "node:path";
import { benchImage } from "./berth.ts";
import type { MissingPeer, Peer, PeerOptions } from "./peer.ts";

/** podman with a store of its own, where it is installed. */
export async function openPodman({ directory, archive }: PeerOptions): Promise<Peer | MissingPeer> {
  if (spawnSync("podman", ["--version"]).status !== 0) return { missing: "podman (not installed)" };
  const store = [
    "--root",
    path.join(directory, "podman-root"),
    "--runroot",
    path.join(directory, "run/podman"),
    "--runtime",
    "runc",
    "--cgroup-manager",
    "cgroupfs",
    "--events-backend",
    "none",
  ];
  execFileSync("podman", [...store, "load", "-i", archive], { stdio: "ignore" });
  const contender = (network: string) => ({
    name: `podman run --rm --network ${network} (runc)`,
    command: "podman",
    args: () => [...store, "run", "--rm", "--network", network, benchImage, "true"],
  });
  const works = (network: string) =>
    spawnSync("podman", [...store, "run", "--rm", "--network", network, benchImage, "true"]).status === 0;
  const networks = ["none", "bridge"].filter(works);
  if (networks.length === 0) return { missing: "podman (cannot run a container on this machine)" };
  return await Promise.resolve({
    contenders: networks.map(contender),
    async [Symbol.asyncDispose]() {
      spawnSync("podman", [...store, "system", "reset", "--force"]);
      await Promise.resolve();
    },
  });
}
