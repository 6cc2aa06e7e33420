// SPDX-License-Identifier: Apache-2.0

import { invalidArgument } from "../errors.ts";

export interface ParsedDevice {
  readonly host: string;
  readonly container: string;
  /** Any of r, w and m. */
  readonly permissions: string;
}

const isMode = (text: string) => /^[rwm]{1,3}$/.test(text) && new Set(text).size === text.length;

/** "/dev/a", "/dev/a:rw", "/dev/a:/dev/b" or "/dev/a:/dev/b:rwm". */
export function parseDevice(text: string): ParsedDevice {
  const [host = "", second, third, ...more] = text.split(":");
  if (host === "" || second === "" || more.length > 0) throw invalidArgument(`bad format for path: ${text}`);
  if (third !== undefined && !isMode(third)) throw invalidArgument(`bad mode specified: ${third}`);
  const secondIsMode = second !== undefined && third === undefined && isMode(second);
  const container = second === undefined || secondIsMode ? host : second;
  for (const path of [host, container]) {
    if (!path.startsWith("/")) throw invalidArgument(`${path} is not an absolute path`);
  }
  return { host, container, permissions: third ?? (secondIsMode ? second : "rwm") };
}

export interface ParsedDeviceRule {
  readonly type: "a" | "b" | "c";
  /** -1 is any. */
  readonly major: number;
  readonly minor: number;
  readonly access: string;
}

/** "c 1:3 rwm", "b 8:* r" or "a *:* rwm", as the device cgroup takes them. */
export function parseDeviceRule(text: string): ParsedDeviceRule {
  const match = /^([acb]) (\d{1,10}|\*):(\d{1,10}|\*) ([rwm]{1,3})$/.exec(text);
  if (match === null) throw invalidArgument(`invalid device cgroup format '${text}'`);
  const [, type, major = "", minor = "", access = ""] = match;
  const number = (digits: string) => (digits === "*" ? -1 : Number(digits));
  return { type: type as ParsedDeviceRule["type"], major: number(major), minor: number(minor), access };
}
