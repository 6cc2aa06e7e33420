// SPDX-License-Identifier: Apache-2.0
// The end of a shim, whether it was asked to end, hangs, was killed or never finished starting.

import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "../../../base/log.ts";
import { killProcess, processesWorkingIn, waitForEnd } from "../../../linux/process/process-identity.ts";
import { type Layout, readShimRecord } from "./bundle.ts";

/** Where shims of containerd put their sockets when they are not told otherwise. */
const sharedSocketDirectory = "/run/containerd/s";

/** Waits a little for a shim that was asked to end, kills it if it stays, and removes its sockets and its directory. */
export async function removeShim(
  { layout, logger, namespace }: { readonly layout: Layout; readonly logger: Logger; readonly namespace: string },
  sandboxId: string,
  { graceMs = 0 }: { readonly graceMs?: number } = {},
): Promise<void> {
  const directory = layout.shim(sandboxId);
  if (!existsSync(directory)) return; // it is made before anything else of a shim, and removed last
  const record = readShimRecord(layout, sandboxId);
  // Without a finished record the daemon was killed while it started the shim, which is found by where it runs.
  const processes = record?.process === undefined ? await processesWorkingIn(directory) : [record.process];
  for (const process of processes) {
    if (await waitForEnd(process, graceMs)) continue;
    if (graceMs > 0) logger.warn({ sandbox: sandboxId, pid: process.pid }, "the shim does not end and is killed");
    await killProcess(process);
  }
  // Shims name their socket by this digest; one that was killed leaves it.
  const name = createHash("sha256")
    .update(join(layout.state, namespace, sandboxId))
    .digest("hex");
  for (const socket of [join(sharedSocketDirectory, name), join(layout.sockets, name), record?.socket]) {
    if (socket !== undefined) await rm(socket, { force: true });
  }
  await rm(directory, { recursive: true, force: true });
}
