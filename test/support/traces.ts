// SPDX-License-Identifier: Apache-2.0
// What of a container there still is, anywhere that the daemon puts things: to say that a removal or a failure left nothing.

import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import type { TestDaemon } from "./daemon.ts";

/** Paths, mounts and processes that carry the id of a container, or of its sandbox when it is given. */
export async function filesOfContainer(daemon: TestDaemon, ...ids: readonly string[]): Promise<string[]> {
  const named = (text: string) => ids.some((id) => text.includes(id));
  const found: string[] = [];
  for (const directory of [daemon.state, path.join(daemon.root, "logs"), path.join(daemon.root, "volumes")]) {
    const names = await readdir(directory, { recursive: true }).catch(() => []);
    found.push(...names.filter(named).map((name) => path.join(directory, name)));
  }
  const mounts = (await readFile("/proc/self/mounts", "utf8")).split("\n").filter(named);
  for (const pid of await readdir("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => ""); // it has ended
    if (named(command)) found.push(`process ${pid}: ${command.replaceAll("\0", " ")}`);
  }
  return [...found, ...mounts];
}
