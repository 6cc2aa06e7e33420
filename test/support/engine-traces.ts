// SPDX-License-Identifier: Apache-2.0
// All that a daemon keeps of pods and containers, in its store and in the kernel, to say that an operation left nothing.

import assert from "node:assert/strict";
import { readdir, readFile, realpath } from "node:fs/promises";
import path from "node:path";
import { open, type RootDatabaseOptionsWithPath } from "lmdb";
import { readCgroupLayout } from "../../src/linux/cgroup/layout.ts";
import { readMounts } from "../../src/linux/mount/mountinfo.ts";
import type { TestDaemon } from "./daemon.ts";

/** One line a thing; sorted. */
export async function tracesOf(daemon: TestDaemon): Promise<readonly string[]> {
  const directory = await realpath(daemon.directory);
  const mounts = (await readMounts()).map(({ mountPoint }) => mountPoint).filter((name) => name.startsWith(directory));
  const { rows, layers } = await rowsOf(daemon);
  const found = [
    ...rows.map((row) => `row ${row}`),
    ...mounts.map((name) => `mount ${name}`),
    ...(await cgroupsOf(daemon)).map((name) => `cgroup ${name}`),
    ...(await filesBelow(daemon.state, mounts)).map((name) => `file ${name}`),
    ...(await namesIn(path.join(daemon.root, "snapshots")))
      .filter((name) => !layers.has(name))
      .map((name) => `snapshot ${name}`),
    ...(await namesIn(`/sys/class/net/${daemon.bridge}/brif`)).map((name) => `interface ${name}`),
    ...(await processesOf(daemon)).map((name) => `process ${name}`),
  ];
  return found.sort();
}

/** What is on its way out may take its time. */
export async function assertSameTraces(daemon: TestDaemon, before: readonly string[], what = ""): Promise<void> {
  const deadline = Date.now() + 8000;
  const known = new Set(before);
  for (;;) {
    const added = (await tracesOf(daemon)).filter((trace) => !known.has(trace));
    if (added.length === 0) return;
    if (Date.now() > deadline) assert.deepEqual(added, [], `left behind ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** What the store says; layers that images have unpacked are theirs, and garbage collection's in its own time. */
async function rowsOf({
  root,
}: TestDaemon): Promise<{ readonly rows: readonly string[]; readonly layers: Set<string> }> {
  const store = open<unknown, Buffer>({
    path: path.join(root, "meta"),
    readOnly: true,
    keyEncoding: "binary",
    // As the daemon's own store writes.
    encoder: { useRecords: false, mapsAsObjects: true },
  } as RootDatabaseOptionsWithPath);
  try {
    const rows: string[] = [];
    const layers = new Set<string>();
    for (const { key, value } of store.getRange()) {
      const row = key.toString().replaceAll("\0", " ");
      if (/^(images|content|schema) /.test(row)) continue;
      const { kind, id } = value as { readonly kind?: string; readonly id?: unknown };
      if (row.startsWith("snapshots ") && kind === "committed") layers.add(String(id));
      else rows.push(row);
    }
    return { rows, layers };
  } finally {
    await store.close();
  }
}

/** With the processes in them, which makes those without a telling command line be seen. */
async function cgroupsOf({ mark }: TestDaemon): Promise<readonly string[]> {
  const { hierarchies } = await readCgroupLayout();
  const lists = hierarchies.map(async ({ mountPoint }) => {
    const names = await readdir(path.join(mountPoint, mark), { recursive: true, withFileTypes: true }).catch(() => []);
    return names.filter((entry) => entry.isDirectory()).map((entry) => path.join(entry.parentPath, entry.name));
  });
  return (await Promise.all(lists)).flat();
}

/** Not of what is mounted there. */
async function filesBelow(directory: string, mounts: readonly string[]): Promise<readonly string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []); // it went away
  const lists = entries.map(async (entry): Promise<readonly string[]> => {
    const name = path.join(directory, entry.name);
    if (!entry.isDirectory() || mounts.includes(name)) return [name];
    return [name, ...(await filesBelow(name, mounts))];
  });
  return (await Promise.all(lists)).flat().filter((name) => !isBookkeeping(name));
}

/** Which address host-local gave last, and files that are written anew. */
function isBookkeeping(name: string): boolean {
  return /\/(last_reserved_ip\.\d+|lock)$/.test(name);
}

async function processesOf({ state, pid }: TestDaemon): Promise<readonly string[]> {
  const found: string[] = [];
  for (const name of await namesIn("/proc")) {
    if (!/^\d+$/.test(name) || Number(name) === pid) continue;
    const command = await readFile(`/proc/${name}/cmdline`, "utf8").catch(() => ""); // it has ended
    // What keeps output while no daemon runs is each daemon's own.
    if (command.includes(state) && !command.includes("berth-keeper"))
      found.push(`${name}: ${command.replaceAll("\0", " ")}`);
  }
  return found;
}

async function namesIn(directory: string): Promise<readonly string[]> {
  return await readdir(directory).catch(() => []); // there is none
}
