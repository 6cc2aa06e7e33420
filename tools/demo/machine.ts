// SPDX-License-Identifier: Apache-2.0
// What the demo may have left on the machine, found by the names that it gives: processes, mounts, its bridge, cgroups.

import { execFileSync } from "node:child_process";
import { globSync } from "node:fs";
import { readdir, readFile, readlink, rmdir } from "node:fs/promises";
import { networkInterfaces } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";

/** The names that tell what is the demo's. */
export interface Marks {
  /** Absolute. */
  readonly directory: string;
  /** The cgroup that all its containers are in. */
  readonly cgroup: string;
}

/** A /24 that no interface and no route here overlaps. */
export async function freeSubnet(): Promise<string> {
  const routes = (await readFile("/proc/net/route", "utf8"))
    .split("\n")
    .slice(1)
    .map((line) => line.split("\t"))
    .flatMap(([, destination, , , , , , mask]) =>
      destination === undefined || mask === undefined || mask === "00000000"
        ? []
        : [{ destination: fromRouteTable(destination), mask: fromRouteTable(mask) }],
    );
  const addresses = Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address));
  for (let attempt = 0; attempt < 100; attempt++) {
    const [second, third] = [200 + Math.floor(Math.random() * 50), Math.floor(Math.random() * 256)];
    const network = ((10 << 24) | (second << 16) | (third << 8)) >>> 0;
    const overlaps = routes.some(({ destination, mask }) => {
      const common = (mask & 0xff_ff_ff_00) >>> 0;
      return (network & common) >>> 0 === (destination & common) >>> 0;
    });
    const prefix = `10.${second}.${third}.`;
    if (!overlaps && !addresses.some((address) => address.startsWith(prefix))) return `${prefix}0/24`;
  }
  throw new Error("no free subnet in 10.200.0.0 to 10.249.255.0");
}

/** The kernel prints addresses in the machine's byte order: little-endian here. */
function fromRouteTable(hexadecimal: string): number {
  return Buffer.from(hexadecimal, "hex").readUInt32LE();
}

/** Kills what still runs of it: shims that outlived a daemon, and what is in their containers. */
export async function endMarked(marks: Marks): Promise<void> {
  for (let round = 0; round < 50; round++) {
    const pids = await markedProcesses(marks);
    if (pids.length === 0) return;
    for (const pid of pids) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // it ended meanwhile
      }
    }
    await sleep(20);
  }
}

/** Takes away mounts, the bridge and cgroups. */
export async function releaseMarked(marks: Marks, bridge: string): Promise<void> {
  for (const mountPoint of [...(await markedMounts(marks))].reverse()) command("umount", "-l", mountPoint);
  command("ip", "link", "delete", bridge);
  for (const cgroup of markedCgroups(marks)) {
    try {
      await rmdir(cgroup);
    } catch {
      // listMarked tells that it is still there
    }
  }
}

/** What is still there, as a message names it. */
export async function listMarked(marks: Marks, bridge: string): Promise<readonly string[]> {
  const interfaces = Object.keys(networkInterfaces()).filter((name) => name === bridge);
  return [
    ...(await markedProcesses(marks)).map((pid) => `process ${pid}`),
    ...(await markedMounts(marks)).map((mountPoint) => `mount ${mountPoint}`),
    ...interfaces.map((name) => `interface ${name}`),
    ...markedCgroups(marks).map((cgroup) => `cgroup ${cgroup}`),
  ];
}

/** By working directory, arguments or cgroup: a shim sits in its bundle, a container in its cgroup. */
async function markedProcesses({ directory, cgroup }: Marks): Promise<readonly number[]> {
  const pids = (await readdir("/proc")).map(Number).filter((pid) => pid > 0 && pid !== process.pid);
  const marked = await Promise.all(
    pids.map(async (pid) => {
      try {
        const cgroups = await readFile(`/proc/${pid}/cgroup`, "utf8");
        const words = await readFile(`/proc/${pid}/cmdline`, "utf8");
        const workingDirectory = await readlink(`/proc/${pid}/cwd`);
        return cgroups.includes(`/${cgroup}/`) || words.includes(directory) || workingDirectory.startsWith(directory);
      } catch {
        return false; // it ended meanwhile
      }
    }),
  );
  return pids.filter((_, index) => marked[index]);
}

/** Outer ones first. */
async function markedMounts({ directory }: Marks): Promise<readonly string[]> {
  const table = await readFile("/proc/self/mountinfo", "utf8");
  return table
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "")
    .filter((mountPoint) => mountPoint.startsWith(`${directory}/`));
}

/** In every hierarchy of version 1, and in version 2; inner ones first. */
function markedCgroups({ cgroup }: Marks): readonly string[] {
  return globSync([`/sys/fs/cgroup/${cgroup}{,/**/}`, `/sys/fs/cgroup/*/${cgroup}{,/**/}`])
    .map((directory) => directory.replace(/\/$/, ""))
    .sort()
    .reverse();
}

function command(name: string, ...args: readonly string[]): void {
  try {
    execFileSync(name, args, { stdio: "ignore" });
  } catch {
    // most often it was gone already; listMarked tells what is not
  }
}
