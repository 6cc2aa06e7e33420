// SPDX-License-Identifier: Apache-2.0

import { spawnSync } from "node:child_process";

/** A command to time; it must exit with 0. */
export interface Contender {
  readonly name: string;
  readonly command: string;
  readonly args: (round: number) => readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** What the others are compared with. */
  readonly isReference?: boolean;
}

/** Milliseconds. */
export interface Measurement {
  readonly name: string;
  readonly median: number;
  readonly minimum: number;
  readonly maximum: number;
  readonly isReference: boolean;
}

/** Runs each contender once a round, in turn, so that all meet the same weather; the first round is not counted. */
export async function interleave(contenders: readonly Contender[], rounds: number): Promise<readonly Measurement[]> {
  const times = contenders.map((): number[] => []);
  for (let round = 0; round <= rounds; round++) {
    for (const [index, contender] of contenders.entries()) {
      const milliseconds = time(contender, round);
      if (round > 0) times[index]?.push(milliseconds);
    }
    // Lets a daemon that runs in this process's tree finish what it does in the background.
    await new Promise((resolve) => setImmediate(resolve));
  }
  return contenders.map(({ name, isReference = false }, index) => ({
    name,
    isReference,
    ...summary(times[index] ?? []),
  }));
}

function time({ name, command, args, environment }: Contender, round: number): number {
  const started = performance.now();
  const { status, stderr, error } = spawnSync(command, args(round), {
    env: { ...process.env, ...environment },
    encoding: "utf8",
  });
  const milliseconds = performance.now() - started;
  if (error !== undefined || status !== 0) {
    throw new Error(`${name} failed with status ${status}: ${stderr}`, { cause: error });
  }
  return milliseconds;
}

export function summary(times: readonly number[]): {
  readonly median: number;
  readonly minimum: number;
  readonly maximum: number;
} {
  const sorted = times.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median =
    sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
  return { median, minimum: sorted[0] ?? 0, maximum: sorted.at(-1) ?? 0 };
}
