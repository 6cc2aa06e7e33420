// SPDX-License-Identifier: Apache-2.0
// What the values of Docker's filters mean.

import { invalidArgument } from "./errors.ts";

/** Docker matches names as regular expressions anywhere in "/name" and "name". */
export function nameMatches(name: string, pattern: string): boolean {
  try {
    const expression = new RegExp(pattern);
    return expression.test(name) || expression.test(`/${name}`);
  } catch {
    // Not an expression: what it says literally.
    return name.includes(pattern);
  }
}

/** "key" or "key=value". */
export function labelMatches(labels: Readonly<Record<string, string>>, wanted: string): boolean {
  const at = wanted.indexOf("=");
  if (at < 0) return labels[wanted] !== undefined;
  return labels[wanted.slice(0, at)] === wanted.slice(at + 1);
}

/** The value of a filter that is a switch. */
export function parseFilterBoolean(key: string, value: string): boolean {
  if (/^(true|1)$/i.test(value)) return true;
  if (/^(false|0)$/i.test(value)) return false;
  throw invalidArgument(`invalid filter '${key}=${value}'`);
}
