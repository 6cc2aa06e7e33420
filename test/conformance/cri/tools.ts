// SPDX-License-Identifier: Apache-2.0
// Programs of others that a run needs, built from Go modules into the cache where they are not there yet.

import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { findExecutable } from "../../../src/host/find-executable.ts";
import type { RuntimeSetup } from "./engines/engine.ts";
import type { Runtime } from "./matrix.ts";

const checkout = path.join(import.meta.dirname, "../../..");
/** A first build compiles some hundred packages on whatever machine this is. */
const buildDeadlineMs = 1_800_000;

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

/** A script that prints where it built to. */
async function built(script: string, ...rest: readonly string[]): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(path.join(checkout, script), [...rest], { timeout: buildDeadlineMs });
    return stdout.trim();
  } catch (error) {
    const { stderr } = error as { readonly stderr?: string };
    throw new Error((stderr ?? "").trim().split("\n").at(-1) || `${script} failed`, { cause: error });
  }
}
