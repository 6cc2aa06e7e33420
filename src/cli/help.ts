// SPDX-License-Identifier: Apache-2.0
// The texts of --help and of a mistyped command.

import type { Command } from "./command.ts";
import type { CommandEntry } from "./command-table.ts";
import type { Flag, FlagTable } from "./flags.ts";

type Entries = Readonly<Record<string, CommandEntry>>;

const nameWidth = 12;
/** Two words that differ in so few letters are taken for one mistyped. */
const suggestionDistance = 2;

/** berth --help. */
export function programHelp(table: Entries, globalFlags: FlagTable): string {
  const entries = Object.entries(table);
  const common = entries.filter(([, { group }]) => group === undefined);
  const groups = entries.filter(([, { group }]) => group !== undefined);
  return [
    "Usage:  berth [OPTIONS] COMMAND",
    "A container engine in one daemon",
    `Commands:\n${commandLines(common)}`,
    `Management Commands:\n${commandLines(groups)}`,
    `Global Options:\n${flagLines(globalFlags)}`,
    "Run 'berth COMMAND --help' for more information on a command.\n",
  ].join("\n\n");
}

/** berth container --help. */
export function groupHelp(name: string, { summary, group = {} }: CommandEntry): string {
  return [
    `Usage:  berth ${name} COMMAND`,
    summary,
    `Commands:\n${commandLines(Object.entries(group))}`,
    `Run 'berth ${name} COMMAND --help' for more information on a command.\n`,
  ].join("\n\n");
}

/** berth run --help. */
export function commandHelp(command: Command): string {
  const parts = [`Usage:  berth ${command.usage}`, command.description];
  if (Object.keys(command.flags).length > 0) parts.push(`Options:\n${flagLines(command.flags)}`);
  return `${parts.join("\n\n")}\n`;
}

/** What to say of a command that is not there. */
export function unknownCommand(name: string, table: Entries, group = ""): string {
  const path = group === "" ? "berth" : `berth ${group}`;
  const message = `berth: '${name}' is not a berth command.\nSee '${path} --help'`;
  const similar = Object.keys(table).filter(
    (known) => distance(name, known) <= suggestionDistance || (name.length > 1 && known.startsWith(name)),
  );
  if (similar.length === 0) return `${message}\n`;
  return `${message}\n\nDid you mean ${similar.length === 1 ? "this" : "one of these"}?\n${similar.map((known) => `\t${known}\n`).join("")}`;
}

function commandLines(entries: readonly (readonly [string, CommandEntry])[]): string {
  return entries.map(([name, { summary }]) => `  ${name.padEnd(nameWidth)}${summary}`).join("\n");
}

function flagLines(table: FlagTable): string {
  const lines = Object.entries(table)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, flag]) => [flagName(name, flag), describe(flag)] as const);
  const width = Math.max(...lines.map(([name]) => name.length)) + 3;
  return lines.map(([name, description]) => `${name.padEnd(width)}${description}`).join("\n");
}

function flagName(name: string, { short, placeholder }: Flag<unknown>): string {
  const start = short === undefined ? "      " : `  -${short}, `;
  return `${start}--${name}${placeholder === undefined ? "" : ` ${placeholder}`}`;
}

function describe({ description, placeholder, initial }: Flag<unknown>): string {
  return placeholder === undefined && initial === true ? `${description} (default true)` : description;
}

/** Letters to change, add or drop to get from one word to the other (Levenshtein). */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (const [index, letter] of Array.from(from).entries()) {
    const next = [index + 1];
    for (let column = 1; column <= to.length; column++) {
      const replaced = (row[column - 1] ?? 0) + (letter === to[column - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
