// SPDX-License-Identifier: Apache-2.0

import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { text } from "node:stream/consumers";

/** The kubelet, built on first use. */
export async function ensureKubelet(): Promise<string> {
  const child = spawn(path.join(import.meta.dirname, "build.sh"), { stdio: ["ignore", "pipe", "inherit"] });
  const [output] = await Promise.all([text(child.stdout), once(child, "close")]);
  if (child.exitCode !== 0) throw new Error("the kubelet could not be built");
  return path.join(output.trim(), "kubelet");
}
