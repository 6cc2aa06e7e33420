// SPDX-License-Identifier: Apache-2.0
// Programs of others that a run needs, built from Go modules into the cache where they are not there yet.

import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { text } from "node:stream/consumers";
import { findExecutable } from "../../../src/host/find-executable.ts";
import type { RuntimeSetup } from "./engines/engine.ts";
import type { Runtime } from "./matrix.ts";

const checkout = path.join(import.meta.dirname, "../../..");

/** The directory with critest, crictl and ginkgo. */
export async function ensureCritest(): Promise<string> {
  return await built("test/conformance/cri/build-tools.sh");
}

/** The directory with containerd. */
export async function ensureContainerd(): Promise<string> {
  return await built("test/conformance/cri/build-tools.sh", "containerd");
}

/** The newest runc is built; crun is the machine's. The shim is the newest for both. */
export async function ensureRuntime(runtime: Runtime): Promise<RuntimeSetup> {
  const peers = await built("tools/build-peers.sh");
  const binary = runtime === "runc" ? path.join(peers, "runc") : findExecutable("crun");
  return { handler: runtime, shim: path.join(peers, "containerd-shim-runc-v2"), binary };
}

/** A script that prints where it built to, and on standard error what it does and what it lacks. */
async function built(script: string, ...rest: readonly string[]): Promise<string> {
  const child = spawn(path.join(checkout, script), rest, { stdio: ["ignore", "pipe", "inherit"] });
  const [output] = await Promise.all([text(child.stdout), once(child, "close")]);
  if (child.exitCode !== 0) throw new Error(`${script} could not build what a run needs`);
  return output.trim();
}
