// SPDX-License-Identifier: Apache-2.0

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { openSync, writeFileSync } from "node:fs";
import path from "node:path";
import { unmountAll } from "../../src/linux/mount/unmount.ts";
import type { Contender } from "../interleave.ts";
import type { Rootfs } from "../rootfs.ts";
import type { Peer } from "./peer.ts";

export const benchImage = "localhost/bench:latest";

export interface BerthPeer extends Peer {
  /** The image as an archive that the others can load. */
  saveImage(): string;
}

/** The daemon and the command of this checkout, as make build made them. */
export async function openBerth(options: {
  readonly directory: string;
  readonly checkout: string;
  readonly rootfs: Rootfs;
}): Promise<BerthPeer> {
  const { directory, checkout, rootfs } = options;
  const state = path.join(directory, "run/berth");
  const command = path.join(checkout, "bin/berth");
  const environment = { BERTH_HOST: `unix://${state}/berth.sock` };
  const config = path.join(directory, "berth.toml");
  writeFileSync(
    config,
    '[network]\nbridge = "bench-berth0"\nsubnet = "10.81.0.0/24"\n[containers]\ncgroup_parent = "/berth-bench"\n[nri]\nenable = false\n',
  );
  const log = openSync(path.join(directory, "berth.log"), "w");
  const daemon = spawn(
    command,
    ["daemon", "--config", config, "--root", path.join(directory, "berth-root"), "--state", state],
    {
      stdio: ["ignore", log, log],
    },
  );
  await waitUntilReady(command, environment);
  const run = (args: readonly string[]) =>
    execFileSync(command, args, { env: { ...process.env, ...environment }, encoding: "utf8" });
  run(["import", "--change", 'CMD ["true"]', rootfs.archive, benchImage]);
  const contender = (network: string): Contender => ({
    name: `berth run --rm --network ${network}`,
    command,
    args: () => ["run", "--rm", "--network", network, benchImage, "true"],
    environment,
  });
  return {
    contenders: [contender("none"), contender("host"), contender("bridge")],
    saveImage() {
      const archive = path.join(directory, "image.tar");
      run(["save", "-o", archive, benchImage]);
      return archive;
    },
    async [Symbol.asyncDispose]() {
      const exited = once(daemon, "exit");
      daemon.kill("SIGTERM");
      await exited;
      await unmountAll(path.join(state, "namespaces"));
      execFileSync("ip", ["link", "delete", "bench-berth0"]);
    },
  };
}

async function waitUntilReady(command: string, environment: Readonly<Record<string, string>>): Promise<void> {
  for (const deadline = Date.now() + 20_000; ; ) {
    try {
      execFileSync(command, ["version"], { env: { ...process.env, ...environment }, stdio: "ignore" });
      return;
    } catch (error) {
      if (Date.now() > deadline) throw new Error("the daemon did not get ready", { cause: error });
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
