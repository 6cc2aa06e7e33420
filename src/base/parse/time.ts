// SPDX-License-Identifier: Apache-2.0

import { invalidArgument } from "../errors.ts";
import { parseDuration } from "./duration.ts";

const nanosecondsPerSecond = 1_000_000_000n;
const nanosecondsPerMillisecond = 1_000_000;

/** Nanoseconds since 1970 from "1700000000.5", an RFC 3339 time (or a part of one), or a duration before now. */
export function parseTime(text: string, now: Date): bigint {
  const unix = /^(\d+)(?:\.(\d{1,9}))?$/.exec(text);
  if (unix !== null) return BigInt(unix[1] ?? 0) * nanosecondsPerSecond + BigInt((unix[2] ?? "").padEnd(9, "0"));
  const date = /^(\d{4}-\d\d-\d\d)(?:T(\d\d(?::\d\d){0,2})(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?$/.exec(text);
  if (date !== null) {
    const [, day = "", clock = "00:00", fraction = "", zone = ""] = date;
    const time = clock.length === 2 ? `${clock}:00` : clock;
    // Without a zone it is the local one.
    const milliseconds = Date.parse(`${day}T${time.padEnd(8, ":00")}${zone}`);
    if (Number.isNaN(milliseconds)) throw invalidArgument(`failed to parse time: ${text}`);
    return BigInt(milliseconds) * BigInt(nanosecondsPerMillisecond) + BigInt(fraction.slice(1).padEnd(9, "0"));
  }
  const before = parseDuration(text);
  return BigInt(Math.round(now.getTime() - before)) * BigInt(nanosecondsPerMillisecond);
}
