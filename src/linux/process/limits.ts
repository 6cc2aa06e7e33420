// SPDX-License-Identifier: Apache-2.0
// Resource limits and the OOM score: what this process has, and so what it may give to a child.

import { readFile, writeFile } from "node:fs/promises";
import { hasErrno } from "../../host/files/errno.ts";

export interface ResourceLimit {
  readonly soft: number | "unlimited";
  readonly hard: number | "unlimited";
}

/** The limits by the labels that /proc/<pid>/limits gives them. */
const nameByLabel: Readonly<Record<string, string>> = {
  "Max cpu time": "RLIMIT_CPU",
  "Max file size": "RLIMIT_FSIZE",
  "Max data size": "RLIMIT_DATA",
  "Max stack size": "RLIMIT_STACK",
  "Max core file size": "RLIMIT_CORE",
  "Max resident set": "RLIMIT_RSS",
  "Max processes": "RLIMIT_NPROC",
  "Max open files": "RLIMIT_NOFILE",
  "Max locked memory": "RLIMIT_MEMLOCK",
  "Max address space": "RLIMIT_AS",
  "Max file locks": "RLIMIT_LOCKS",
  "Max pending signals": "RLIMIT_SIGPENDING",
  "Max msgqueue size": "RLIMIT_MSGQUEUE",
  "Max nice priority": "RLIMIT_NICE",
  "Max realtime priority": "RLIMIT_RTPRIO",
  "Max realtime timeout": "RLIMIT_RTTIME",
};

/** The limits of this process by their OCI names. */
export async function readResourceLimits(): Promise<Readonly<Record<string, ResourceLimit>>> {
  return parseResourceLimits(await readFile("/proc/self/limits", "utf8"));
}

export function parseResourceLimits(text: string): Readonly<Record<string, ResourceLimit>> {
  const limits: Record<string, ResourceLimit> = {};
  for (const line of text.split("\n")) {
    const [, label = "", soft = "", hard = ""] = /^(Max .*?)\s{2,}(\S+)\s+(\S+)/.exec(line) ?? [];
    const name = nameByLabel[label];
    if (name !== undefined) limits[name] = { soft: parseLimit(soft), hard: parseLimit(hard) };
  }
  return limits;
}

function parseLimit(text: string): number | "unlimited" {
  return text === "unlimited" ? "unlimited" : Number(text);
}

const scoreFile = "/proc/self/oom_score_adj";
const lowestScore = -1000;

/**
 * The lowest oom_score_adj that a child may get. With CAP_SYS_RESOURCE any; without it the kernel keeps a floor that it
 * does not show, so it is found by trying on this process, whose own value is put back.
 */
export async function lowestOomScoreAdjustment(mayLower: boolean): Promise<number> {
  if (mayLower) return lowestScore;
  const own = Number(await readFile(scoreFile, "utf8"));
  let refused = lowestScore - 1;
  let allowed = own;
  try {
    let attempt = lowestScore;
    while (allowed - refused > 1) {
      if (await trySetScore(attempt)) allowed = attempt;
      else refused = attempt;
      attempt = Math.floor((allowed + refused) / 2);
    }
  } finally {
    if (allowed !== own) await writeFile(scoreFile, String(own));
  }
  return allowed;
}

async function trySetScore(score: number): Promise<boolean> {
  try {
    await writeFile(scoreFile, String(score));
    return true;
  } catch (error) {
    if (hasErrno(error, "EACCES")) return false;
    throw error;
  }
}
