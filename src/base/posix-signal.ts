// SPDX-License-Identifier: Apache-2.0
// POSIX signals by name and number on Linux (signal(7), x86 and ARM numbering).

import { invalidArgument } from "./errors.ts";

declare const posixSignalBrand: unique symbol;

/** A signal number of Linux, 1 to 64. */
export type PosixSignal = number & { readonly [posixSignalBrand]: true };

const names = [
  "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM",
  "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO",
  "PWR", "SYS",
] as const; // biome-ignore format: a table

const numberByName = new Map<string, number>([
  ...names.map((name, index) => [name, index + 1] as const),
  ["IOT", 6],
  ["POLL", 29],
  ["CLD", 17],
]);

export const sigkill = 9 as PosixSignal;
export const sigterm = 15 as PosixSignal;
const realTimeMinimum = 34;
const realTimeMaximum = 64;

/** Reads "TERM", "SIGTERM", "15", "RTMIN+3" or "SIGRTMAX-1"; anything else is invalid-argument. */
export function parsePosixSignal(text: string): PosixSignal {
  const bare = text.trim().toUpperCase().replace(/^SIG/, "");
  const value = /^\d+$/.test(bare) ? Number(bare) : (numberByName.get(bare) ?? parseRealTime(bare));
  if (value === undefined || value < 1 || value > realTimeMaximum) throw invalidArgument(`invalid signal: ${text}`);
  return value as PosixSignal;
}

function parseRealTime(bare: string): number | undefined {
  const match = /^RT(MIN|MAX)(?:([+-])(\d{1,2}))?$/.exec(bare);
  if (match === null) return undefined;
  const offset = Number(match[3] ?? 0) * (match[2] === "-" ? -1 : 1);
  const value = (match[1] === "MIN" ? realTimeMinimum : realTimeMaximum) + offset;
  return value >= realTimeMinimum && value <= realTimeMaximum ? value : undefined;
}

/** "SIGTERM" for 15; "SIGRTMIN+n" for the real-time ones; a number for 32 and 33, which the C library keeps to itself. */
export function posixSignalName(posixSignal: PosixSignal): string {
  const name = names[posixSignal - 1];
  if (name !== undefined) return `SIG${name}`;
  return posixSignal < realTimeMinimum ? String(posixSignal) : `SIGRTMIN+${posixSignal - realTimeMinimum}`;
}
