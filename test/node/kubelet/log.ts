// SPDX-License-Identifier: Apache-2.0
// What the kubelet logs, line by line, and which of it tells of an error that must not be.

export interface LogLine {
  /** Milliseconds of the epoch, or undefined of a line that continues another. */
  readonly time?: number;
  readonly severity?: "I" | "W" | "E" | "F";
  readonly text: string;
}

/** A time in which the engine was down because the test ended it. */
export interface Outage {
  readonly from: number;
  readonly until: number;
}

interface Explanation {
  readonly pattern: RegExp;
  readonly reason: string;
}

/** What a healthy engine gives no cause for, whatever severity the kubelet sees in it. */
const runtimeTrouble =
  /rpc error|RuntimeService|ImageService|Failed to \w+ ?.*[Ss]andbox|PLEG is not healthy|runtime is (down|not)|[Cc]ontainer runtime (is|status|network)|context deadline exceeded|ErrImage|ImageInspectError/;

/** Errors of the kubelet that are not the engine's. */
export const explanations: readonly Explanation[] = [];

/** While the engine is down nothing else is expected. */
const unreachable = /connection refused|connection error|Unavailable|no such file or directory|EOF|connection reset/;

/** klog's format: severity, month and day, time, pid, file; local time, and no year. */
const header = /^([IWEF])(\d\d)(\d\d) (\d\d):(\d\d):(\d\d)\.(\d{3})\d* +\d+ (.*)$/;

export function parseLine(text: string, year = new Date().getFullYear()): LogLine {
  const match = header.exec(text);
  if (match === null) return { text };
  const [, severity, month, day, hours, minutes, seconds, milliseconds] = match;
  const parts = [month, day, hours, minutes, seconds, milliseconds].map(Number) as [number, number, ...number[]];
  const [monthNumber, dayNumber, hour = 0, minute = 0, second = 0, millisecond = 0] = parts;
  const time = new Date(year, monthNumber - 1, dayNumber, hour, minute, second, millisecond).getTime();
  return { time, severity: severity as "I" | "W" | "E" | "F", text };
}

/** Lines that nothing explains. */
export function unexplained(log: string, outages: readonly Outage[]): readonly string[] {
  return log
    .split("\n")
    .map((line) => parseLine(line))
    .filter((line) => isTrouble(line) && !isExplained(line, outages))
    .map(({ text }) => text);
}

function isTrouble({ severity, text }: LogLine): boolean {
  return severity === "E" || severity === "F" || runtimeTrouble.test(text);
}

function isExplained({ time, text }: LogLine, outages: readonly Outage[]): boolean {
  if (explanations.some(({ pattern }) => pattern.test(text))) return true;
  return (
    time !== undefined && unreachable.test(text) && outages.some(({ from, until }) => from <= time && time <= until)
  );
}
