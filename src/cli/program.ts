// SPDX-License-Identifier: Apache-2.0
// From the words of a command line to an exit code.

import type { BerthClient } from "@berth/sdk";
import { version } from "../base/version.ts";
import type { Command, CommandContext } from "./command.ts";
import { type CommandEntry, commandTable } from "./command-table.ts";
import { UsageError } from "./errors.ts";
import { describeFailure } from "./failure.ts";
import { type FlagTable, type ParsedArguments, parseArguments, text, toggle } from "./flags.ts";
import type { Interruption } from "./interruption.ts";

const globalFlags = {
  host: text("Daemon socket to connect to (default: $BERTH_HOST, else unix:///run/berth/berth.sock)", { short: "H" }),
  version: toggle("Print version information and quit", { short: "v" }),
  help: toggle("Print usage", { short: "h" }),
};

const helpFlag = { help: toggle("Print usage") };
const usageExit = 125;

/** What the program needs of its process. */
export type ProgramProcess = Pick<CommandContext, "stdin" | "stdout" | "stderr" | "environment">;

/** Runs one command line; the exit code. */
export async function runProgram(
  argv: readonly string[],
  process: ProgramProcess,
  interruption: Interruption,
): Promise<number> {
  const global = parseGlobal(argv);
  if (global instanceof UsageError) {
    process.stderr.write(`${global.message}\nSee 'berth --help'.\n`);
    return usageExit;
  }
  if (global.flags.version) {
    process.stdout.write(`Berth version ${version}\n`);
    return 0;
  }
  const words = global.args[0] === "help" ? [...global.args.slice(1), "--help"] : global.args;
  if (global.flags.help || words.length === 0 || words[0] === "--help") {
    const { programHelp } = await import("./help.ts");
    process.stdout.write(programHelp(commandTable, globalFlags));
    return 0;
  }
  const found = findCommand(words);
  if (found.entry?.load === undefined) return await explain(words, found.entry, process);
  return await runCommand({ ...found, entry: found.entry }, global.flags.host, { process, interruption });
}

function parseGlobal(argv: readonly string[]): ParsedArguments<typeof globalFlags> | UsageError {
  try {
    return parseArguments(globalFlags, argv, { interspersed: false });
  } catch (error) {
    if (error instanceof UsageError) return error;
    throw error;
  }
}

interface FoundCommand {
  /** "run" or "container run". */
  readonly path: string;
  readonly entry: CommandEntry | undefined;
  readonly rest: readonly string[];
}

function findCommand([name = "", ...rest]: readonly string[]): FoundCommand {
  const entry = Object.hasOwn(commandTable, name) ? commandTable[name] : undefined;
  const [second] = rest;
  if (entry?.group === undefined || second === undefined || !Object.hasOwn(entry.group, second)) {
    return { path: name, entry, rest };
  }
  return { path: `${name} ${second}`, entry: entry.group[second], rest: rest.slice(1) };
}

/** A group's help, or what to say of a command that is not there. */
async function explain(
  [name = "", second]: readonly string[],
  entry: CommandEntry | undefined,
  { stdout, stderr }: ProgramProcess,
): Promise<number> {
  const { groupHelp, unknownCommand } = await import("./help.ts");
  if (entry === undefined) {
    stderr.write(unknownCommand(name, commandTable));
    return usageExit;
  }
  if (second === undefined || second.startsWith("-")) {
    stdout.write(groupHelp(name, entry));
    return 0;
  }
  stderr.write(unknownCommand(second, entry.group ?? {}, name));
  return usageExit;
}

interface Surroundings {
  readonly process: ProgramProcess;
  readonly interruption: Interruption;
}

async function runCommand(
  { path, entry, rest }: FoundCommand & { readonly entry: CommandEntry },
  host: string | undefined,
  { process, interruption }: Surroundings,
): Promise<number> {
  // Both at once: loading is most of the time until the first request.
  const [{ command }, sdk] = await Promise.all([
    // Only entries with a module come here.
    (entry.load as NonNullable<typeof entry.load>)(),
    entry.isLocal === true ? undefined : import("@berth/sdk"),
  ]);
  let client: BerthClient | undefined;
  const context: CommandContext = {
    ...process,
    host,
    signal: interruption.signal,
    takeSignals: () => interruption.takeSignals(),
    client: () => {
      if (sdk === undefined) throw new TypeError(`${path} is not local: it uses the daemon`);
      client ??= new sdk.BerthClient({ host });
      return client;
    },
  };
  try {
    const parsed = parseCommand(command, rest);
    if (parsed.flags.help === true) {
      const { commandHelp } = await import("./help.ts");
      process.stdout.write(commandHelp(command));
      return 0;
    }
    checkArguments(command, parsed.args.length);
    const code = await Promise.race([command.run(parsed, context), interruption.graceOver]);
    return interruption.exitCode ?? code;
  } catch (error) {
    if (interruption.exitCode !== undefined) return interruption.exitCode;
    const { message, exitCode } = describeFailure(error, command, path);
    process.stderr.write(message);
    return exitCode;
  } finally {
    client?.close();
  }
}

function parseCommand(command: Command, argv: readonly string[]): ParsedArguments<FlagTable & typeof helpFlag> {
  const words = command.passesAllOn ? ["--", ...argv] : argv;
  return parseArguments({ ...command.flags, ...helpFlag }, words, { interspersed: !command.flagsFirst });
}

function checkArguments({ arguments: { minimum, maximum } }: Command, count: number): void {
  if (count >= minimum && (maximum === undefined || count <= maximum)) return;
  const plural = (number: number) => `${number} argument${number === 1 ? "" : "s"}`;
  const relation = count < minimum ? "at least " : "at most ";
  const wanted = plural(count < minimum ? minimum : (maximum ?? minimum));
  const message = maximum === 0 ? "accepts no arguments" : `requires ${minimum === maximum ? "" : relation}${wanted}`;
  throw new UsageError(message, { showsUsage: true });
}
