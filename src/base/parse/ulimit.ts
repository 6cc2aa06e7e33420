// SPDX-License-Identifier: Apache-2.0

import { invalidArgument } from "../errors.ts";

export interface ParsedUlimit {
  readonly name: string;
  /** -1 is unlimited. */
  readonly soft: number;
  readonly hard: number;
}

/** The limits that setrlimit(2) knows, without their RLIMIT_. */
export const ulimitNames: readonly string[] = [
  "as", "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss", "rtprio",
  "rttime", "sigpending", "stack",
]; // biome-ignore format: a table

/** "nofile=1024", "nofile=1024:2048" or "core=-1". */
export function parseUlimit(text: string): ParsedUlimit {
  const separator = text.indexOf("=");
  if (separator < 0) throw invalidArgument(`invalid ulimit argument: ${text}`);
  const [name, values] = [text.slice(0, separator), text.slice(separator + 1)];
  if (!ulimitNames.includes(name)) throw invalidArgument(`invalid ulimit type: ${name}`);
  const [softText = "", hardText = softText, ...more] = values.split(":");
  if (more.length > 0) {
    throw invalidArgument(`too many limit value arguments - ${values}, can only have up to two, \`soft[:hard]\``);
  }
  const [soft, hard] = [parseLimit(softText, text), parseLimit(hardText, text)];
  checkUlimitOrder(soft, hard);
  return { name, soft, hard };
}

/** invalid-argument when the soft limit is above the hard one; -1 is above all. */
export function checkUlimitOrder(soft: number, hard: number): void {
  if (hard === -1 || (soft !== -1 && soft <= hard)) return;
  const relation = soft === -1 ? `soft: -1 (unlimited), hard: ${hard}` : `${soft} > ${hard}`;
  throw invalidArgument(`ulimit soft limit must be less than or equal to hard limit: ${relation}`);
}

function parseLimit(text: string, whole: string): number {
  const value = /^(-1|\d+)$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw invalidArgument(`invalid ulimit argument: ${whole}`);
  return value;
}
