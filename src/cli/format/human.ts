// SPDX-License-Identifier: Apache-2.0
// Sizes, durations and states in the words that docker's users know.

const decimalUnits = ["B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"] as const;
const binaryUnits = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"] as const;

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;

/** Bytes in powers of 1000 with four digits, or as many as given: "1.235MB". Lists of images use three. */
export function humanSize(bytes: number, digits = 4): string {
  return scale(bytes, { base: 1000, units: decimalUnits, digits });
}

/** Bytes in powers of 1024 with four digits: "1.5MiB". Statistics and limits use it. */
export function bytesSize(bytes: number): string {
  return scale(bytes, { base: 1024, units: binaryUnits, digits: 4 });
}

interface Scale {
  readonly base: number;
  readonly units: readonly string[];
  readonly digits: number;
}

function scale(bytes: number, { base, units, digits }: Scale): string {
  let value = bytes;
  let unit = 0;
  // Rounding may reach the next unit: 999,999 bytes with three digits is 1MB, not 1000kB.
  while (unit < units.length - 1 && (value >= base || (digits < 4 && Number(value.toPrecision(digits)) >= base))) {
    value /= base;
    unit++;
  }
  return `${Number(value.toPrecision(digits))}${units[unit]}`;
}

/** About how long, from milliseconds: "Less than a second", "5 minutes", "About an hour", "3 weeks". */
export function humanDuration(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / second);
  const minutes = Math.floor(milliseconds / minute);
  const hours = Math.floor(milliseconds / hour + 0.5);
  if (seconds < 1) return "Less than a second";
  if (seconds === 1) return "1 second";
  if (seconds < 60) return `${seconds} seconds`;
  if (minutes === 1) return "About a minute";
  if (minutes < 60) return `${minutes} minutes`;
  if (hours === 1) return "About an hour";
  if (hours < 48) return `${hours} hours`;
  if (hours < 24 * 7 * 2) return `${Math.floor(hours / 24)} days`;
  if (hours < 24 * 30 * 2) return `${Math.floor(hours / 24 / 7)} weeks`;
  if (hours < 24 * 365 * 2) return `${Math.floor(hours / 24 / 30)} months`;
  return `${Math.floor(milliseconds / hour / 24 / 365)} years`;
}

/** How long before now: "2 minutes ago". */
export function humanAge(time: Date, now: Date): string {
  return `${humanDuration(now.getTime() - time.getTime())} ago`;
}

/** What the STATUS column tells. */
export interface ContainerStatus {
  readonly state: "created" | "running" | "paused" | "restarting" | "removing" | "exited" | "dead";
  readonly exitCode?: number;
  readonly startedAt?: Date;
  readonly finishedAt?: Date;
  readonly health?: "starting" | "healthy" | "unhealthy";
}

/** The STATUS column: "Up 3 minutes (healthy)", "Exited (0) 2 hours ago", "Created". */
export function humanStatus(status: ContainerStatus, now: Date): string {
  const { state, exitCode = 0, startedAt = now, finishedAt, health } = status;
  const up = `Up ${humanDuration(now.getTime() - startedAt.getTime())}`;
  switch (state) {
    case "created":
      return "Created";
    case "running":
      if (health === undefined) return up;
      return `${up} (${health === "starting" ? "health: starting" : health})`;
    case "paused":
      return `${up} (Paused)`;
    case "restarting":
      return `Restarting (${exitCode}) ${humanAge(finishedAt ?? now, now)}`;
    case "removing":
      return "Removal In Progress";
    case "dead":
      return "Dead";
    case "exited":
      return finishedAt === undefined ? "" : `Exited (${exitCode}) ${humanAge(finishedAt, now)}`;
  }
}
