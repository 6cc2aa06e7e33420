// SPDX-License-Identifier: Apache-2.0
// What a test left on the machine: mounts, namespaces, cgroups, processes, packet filter rules, interfaces, temporary
// directories. Many tests run at once, so only what carries one of the test's own marks counts: its state directory, its
// sandbox ids, its bridge. Take a snapshot before, and assert after everything was shut down.

import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { readCgroupLayout } from "../../src/linux/cgroup/layout.ts";
import { readMounts } from "../../src/linux/mount/mountinfo.ts";
import { findProcess } from "../../src/linux/process/process-identity.ts";

/** One thing of the machine, as a message would name it. */
interface Item {
  readonly kind: string;
  /** Names it for ever: a process by pid and start time. */
  readonly name: string;
  /** A process that this one started counts without a mark. */
  readonly isOurs?: boolean;
}

export type MachineSnapshot = ReadonlySet<string>;

export interface LeakOptions {
  /** What everything of the test carries in its name: paths, ids, prefixes; at least four characters each. */
  readonly marks: readonly string[];
  /** How long what is on its way out may take, in milliseconds. */
  readonly deadlineMs?: number;
}

const pollMs = 50;

/** What is there now. */
export async function snapshotMachine(): Promise<MachineSnapshot> {
  return new Set((await listItems()).map(keyOf));
}

/** Fails with a list of what is marked and was not there before, unless it goes away before the deadline. */
export async function assertNoLeaks(before: MachineSnapshot, options: LeakOptions): Promise<void> {
  if (options.marks.some((mark) => mark.length < 4)) throw new RangeError("a leak check's mark is too short");
  const deadline = Date.now() + (options.deadlineMs ?? 5000);
  for (;;) {
    const leaked = (await listItems()).filter((item) => !before.has(keyOf(item)) && isMarked(item, options.marks));
    if (leaked.length === 0) return;
    if (Date.now() >= deadline) {
      const lines = leaked.map((item) => `  ${item.kind}: ${item.name}`);
      throw new Error(`the test left behind:\n${lines.join("\n")}`);
    }
    await sleep(pollMs);
  }
}

function keyOf(item: Item): string {
  return `${item.kind} ${item.name}`;
}

function isMarked(item: Item, marks: readonly string[]): boolean {
  return item.isOurs === true || marks.some((mark) => item.name.includes(mark));
}

/** One list after the other: the commands that some of them run are no leaks. */
async function listItems(): Promise<readonly Item[]> {
  const items: Item[] = [];
  for (const list of [
    listRules,
    listMounts,
    listNamespaces,
    listCgroups,
    listInterfaces,
    listTemporary,
    listProcesses,
  ]) {
    items.push(...(await list()));
  }
  return items;
}

async function listRules(): Promise<readonly Item[]> {
  const outputs = [
    ["nft rule", await outputOf("nft", "list", "ruleset")],
    ["iptables rule", await outputOf("iptables-save")],
    ["ip6tables rule", await outputOf("ip6tables-save")],
  ] as const;
  return outputs.flatMap(([kind, output]) =>
    output
      .split("\n")
      .map((line) => line.trim().replace(/\[\d+:\d+\]|counter packets \d+ bytes \d+/, ""))
      .filter((line) => line !== "" && !line.startsWith("#"))
      .map((name) => ({ kind, name })),
  );
}

/** What a command prints; nothing where it does not exist or is not allowed here. */
async function outputOf(command: string, ...rest: readonly string[]): Promise<string> {
  try {
    return (await promisify(execFile)(command, [...rest], { maxBuffer: 1 << 26 })).stdout;
  } catch {
    return ""; // a machine without the tool has none of its rules
  }
}

async function listMounts(): Promise<readonly Item[]> {
  return (await readMounts()).map(({ type, mountPoint, superOptions }) => ({
    kind: "mount",
    name: `${type} on ${mountPoint}${type === "overlay" ? ` (${superOptions.join(",")})` : ""}`,
  }));
}

/** Named network namespaces; pinned ones are mounts. */
async function listNamespaces(): Promise<readonly Item[]> {
  const lists = ["/run/netns", "/var/run/netns"].map(async (directory) =>
    (await namesIn(directory)).map((name) => ({ kind: "network namespace", name: path.join(directory, name) })),
  );
  return (await Promise.all(lists)).flat();
}

async function listCgroups(): Promise<readonly Item[]> {
  const { hierarchies } = await readCgroupLayout();
  const lists = hierarchies.map(async ({ mountPoint }) => await directoriesBelow(mountPoint));
  return (await Promise.all(lists)).flat().map((name) => ({ kind: "cgroup", name }));
}

async function directoriesBelow(directory: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(directory, { withFileTypes: true });
    const names = entries.filter((entry) => entry.isDirectory()).map((entry) => path.join(directory, entry.name));
    return [...names, ...(await Promise.all(names.map(directoriesBelow))).flat()];
  } catch {
    return []; // it went away meanwhile
  }
}

async function listInterfaces(): Promise<readonly Item[]> {
  return (await namesIn("/sys/class/net")).map((name) => ({ kind: "network interface", name }));
}

async function listTemporary(): Promise<readonly Item[]> {
  const directories = [...new Set([tmpdir(), "/tmp", "/run"])];
  const lists = directories.map(async (directory) =>
    (await namesIn(directory)).map((name) => ({ kind: "temporary file", name: path.join(directory, name) })),
  );
  return (await Promise.all(lists)).flat();
}

async function listProcesses(): Promise<readonly Item[]> {
  const pids = (await namesIn("/proc")).map(Number).filter((pid) => pid > 0 && pid !== process.pid);
  const found = await Promise.all(pids.map(describeProcess));
  return found.filter((item) => item !== undefined);
}

async function describeProcess(pid: number): Promise<Item | undefined> {
  try {
    const state = await findProcess(pid);
    if (state === undefined) return undefined;
    const command = (await readFile(`/proc/${pid}/cmdline`, "utf8")).replaceAll("\0", " ").trim();
    const zombie = state.state === "Z" ? " (zombie)" : "";
    const name = `${pid} started at ${state.startTime}${zombie}: ${command}`;
    return { kind: "process", name, isOurs: state.parent === process.pid };
  } catch {
    return undefined; // it ended meanwhile
  }
}

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch {
    return []; // there is none
  }
}
