// SPDX-License-Identifier: Apache-2.0

import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { MissingPeer, Peer, PeerOptions } from "./peer.ts";

/** Bare runc: the floor under every engine that uses it. */
export async function openRunc({ directory, rootfs }: PeerOptions): Promise<Peer | MissingPeer> {
  if (spawnSync("runc", ["--version"]).status !== 0) return { missing: "runc (not installed)" };
  const bundle = path.join(directory, "runc-bundle");
  mkdirSync(bundle);
  execFileSync("runc", ["spec"], { cwd: bundle });
  const file = path.join(bundle, "config.json");
  const spec = JSON.parse(readFileSync(file, "utf8")) as {
    process: { terminal: boolean; args: string[] };
    root: { path: string };
  };
  spec.root.path = rootfs.directory;
  spec.process.terminal = false;
  spec.process.args = ["true"];
  writeFileSync(file, JSON.stringify(spec));
  const root = path.join(directory, "run/runc");
  return await Promise.resolve({
    contenders: [
      {
        name: "runc run (bare)",
        command: "runc",
        args: (round: number) => ["--root", root, "run", "--bundle", bundle, `berth-bench-${round}`],
      },
    ],
    async [Symbol.asyncDispose]() {
      await Promise.resolve();
    },
  });
}
