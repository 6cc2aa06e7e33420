// SPDX-License-Identifier: Apache-2.0

import { invalidArgument } from "../errors.ts";

/** Billionths of a processor from "1.5", ".25" or "3/2". */
export function parseCpus(text: string): number {
  const match = /^(\d+\.?\d*|\.\d+)(?:\/(\d+))?$/.exec(text);
  const divisor = Number(match?.[2] ?? 1);
  if (match === null || divisor === 0) throw invalidArgument(`failed to parse ${text} as a rational number`);
  const nano = (Number(match[1]) * 1e9) / divisor;
  const rounded = Math.round(nano);
  if (Math.abs(nano - rounded) > 1e-6 * Math.max(1, nano * 1e-9)) throw invalidArgument("value is too precise");
  if (!Number.isSafeInteger(rounded)) throw invalidArgument(`failed to parse ${text} as a rational number`);
  return rounded;
}
