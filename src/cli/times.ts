// SPDX-License-Identifier: Apache-2.0
// Points in time: what --since and --until take, and how Go prints them.

import type { Container } from "@berth/sdk";
import { parseTime } from "../base/parse/time.ts";

type Timestamp = NonNullable<Container["createdAt"]>;

/** Docker's "never". */
const zeroTime = "0001-01-01T00:00:00Z";

const nanosecondsPerSecond = 1_000_000_000n;
const nanosecondsPerMillisecond = 1_000_000;

/** The value of --since or --until; undefined when it was not given. */
export function parseTimeFlag(text: string | undefined): bigint | undefined {
  return text === undefined || text === "" ? undefined : parseTime(text, new Date());
}

export function toDate(timestamp: Timestamp | undefined): Date | undefined {
  if (timestamp === undefined) return undefined;
  return new Date(Number(timestamp.seconds) * 1000 + Math.floor(timestamp.nanos / nanosecondsPerMillisecond));
}

/** RFC 3339 with as many decimals as there are, in UTC; zeroTime for never. */
export function formatTimestamp(timestamp: Timestamp | undefined): string {
  if (timestamp === undefined) return zeroTime;
  const seconds = new Date(Number(timestamp.seconds) * 1000).toISOString().slice(0, 19);
  const decimals = String(timestamp.nanos).padStart(9, "0").replace(/0+$/, "");
  return `${seconds}${decimals === "" ? "" : `.${decimals}`}Z`;
}

/** "2026-01-02T03:04:05.000000006+01:00", in local time: Docker's events have this form. */
export function formatLocalNano(nanoseconds: bigint): string {
  const date = new Date(Number(nanoseconds / BigInt(nanosecondsPerMillisecond)));
  const { sign, hours, minutes } = zoneOf(date);
  const zone = hours === "00" && minutes === "00" ? "Z" : `${sign}${hours}:${minutes}`;
  const nanos = String(nanoseconds % nanosecondsPerSecond).padStart(9, "0");
  return `${localText(date).replace(" ", "T")}.${nanos}${zone}`;
}

/** "2026-01-02T03:04:05+01:00", in local time. */
export function formatLocalSeconds(date: Date): string {
  const seconds = BigInt(Math.floor(date.getTime() / 1000));
  return formatLocalNano(seconds * nanosecondsPerSecond).replace(".000000000", "");
}

/** "2026-01-02 03:04:05 +0100 CET", as CreatedAt columns have it. */
export function formatCreatedAt(date: Date): string {
  const { sign, hours, minutes } = zoneOf(date);
  const name = /\(([A-Z]+)\)|([A-Z]{3,4})$/.exec(date.toLocaleTimeString("en-US", { timeZoneName: "short" }));
  return `${localText(date)} ${sign}${hours}${minutes} ${name?.[1] ?? name?.[2] ?? `${sign}${hours}`}`;
}

function localText(date: Date): string {
  const local = new Date(date.getTime() - date.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 19).replace("T", " ");
}

function zoneOf(date: Date): { readonly sign: string; readonly hours: string; readonly minutes: string } {
  const offset = -date.getTimezoneOffset();
  const pad = (number: number) => String(number).padStart(2, "0");
  return {
    sign: offset < 0 ? "-" : "+",
    hours: pad(Math.floor(Math.abs(offset) / 60)),
    minutes: pad(Math.abs(offset) % 60),
  };
}
