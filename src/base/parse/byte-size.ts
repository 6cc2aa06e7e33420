// SPDX-License-Identifier: Apache-2.0

import { invalidArgument } from "../errors.ts";

const exponents = ["", "k", "m", "g", "t", "p"];

/** Bytes from "512", "64m", "1.5g", "10 KiB" or "2MB"; every unit is a power of 1024, as for Docker's memory flags. */
export function parseByteSize(text: string): number {
  const match = /^(\d+(?:\.\d*)?|\.\d+) ?([^\d. ]*)$/.exec(text);
  if (match === null) throw invalidArgument(`invalid size: '${text}'`);
  const [, digits = "", suffix = ""] = match;
  const unit = /^([kmgtp]?)(?:i?b)?$/.exec(suffix.toLowerCase());
  if (unit === null || suffix.toLowerCase() === "ib") throw invalidArgument(`invalid suffix: '${suffix}'`);
  const bytes = Math.floor(Number(digits) * 1024 ** exponents.indexOf(unit[1] ?? ""));
  if (!Number.isSafeInteger(bytes)) throw invalidArgument(`invalid size: '${text}'`);
  return bytes;
}
