// SPDX-License-Identifier: Apache-2.0

import { invalidArgument } from "../errors.ts";

const millisecondsByUnit: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** Milliseconds (with fractions) from "1h30m10s", "1.5s", "-300ms" or "0". */
export function parseDuration(text: string): number {
  const [, sign = "", body = ""] = /^([+-]?)(.*)$/s.exec(text) ?? [];
  if (body === "0") return 0;
  if (body === "") throw invalid(text);
  let [total, rest] = [0, body];
  while (rest !== "") {
    const match = /^(\d+\.?\d*|\.\d+)([^\d.]*)/.exec(rest);
    if (match === null) throw invalid(text);
    const [whole, number = "", unit = ""] = match;
    if (unit === "") throw invalidArgument(`time: missing unit in duration "${text}"`);
    const factor = Object.hasOwn(millisecondsByUnit, unit) ? millisecondsByUnit[unit] : undefined;
    if (factor === undefined) throw invalidArgument(`time: unknown unit "${unit}" in duration "${text}"`);
    total += Number(number) * factor;
    rest = rest.slice(whole.length);
  }
  // Go keeps 64 bits of nanoseconds: about 292 years.
  if (total > 9_223_372_036_854) throw invalid(text);
  return sign === "-" ? -total : total;
}

function invalid(text: string): Error {
  return invalidArgument(`time: invalid duration "${text}"`);
}
