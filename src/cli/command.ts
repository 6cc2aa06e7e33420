// SPDX-License-Identifier: Apache-2.0
// What a command is: a table of flags and a function. One module each in commands/, loaded only when it is chosen.

import type { BerthClient } from "@berth/sdk";
import type { FlagTable, ParsedArguments } from "./flags.ts";

/** The process around a command. */
export interface CommandContext {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly environment: NodeJS.ProcessEnv;
  /** --host, when it was given. */
  readonly host: string | undefined;
  /** Made with the first use; nothing is sent before the first call. */
  readonly client: () => BerthClient;
  /** Aborted when a signal ends the command. */
  readonly signal: AbortSignal;
  /** Leaves SIGINT and the like to the command until it is disposed of. */
  readonly takeSignals: () => Disposable;
}

/** What main.ts runs. */
export interface Command {
  /** After "berth", such as "run [OPTIONS] IMAGE [COMMAND] [ARG...]". */
  readonly usage: string;
  /** One sentence for the help. */
  readonly description: string;
  readonly flags: FlagTable;
  /** How many arguments it takes; no maximum when undefined. */
  readonly arguments: { readonly minimum: number; readonly maximum?: number };
  /** Flags end at the first argument: the rest belongs to the container. */
  readonly flagsFirst: boolean;
  /** Flags are somebody else's: all words, --help too, are arguments. */
  readonly passesAllOn: boolean;
  /** Failures end with 1; "engine": with 125; "run": with 125, the program's name and a pointer to the help. */
  readonly failures: "ordinary" | "engine" | "run";
  /** The exit code. */
  readonly run: (parsed: ParsedArguments<FlagTable>, context: CommandContext) => Promise<number>;
}

interface CommandDefinition<F extends FlagTable>
  extends Omit<Command, "flags" | "run" | "flagsFirst" | "passesAllOn" | "failures"> {
  readonly flags: F;
  readonly flagsFirst?: boolean;
  readonly passesAllOn?: boolean;
  readonly failures?: Command["failures"];
  readonly run: (parsed: ParsedArguments<F>, context: CommandContext) => Promise<number>;
}

/** Checks that a command's function fits its flags. */
export function defineCommand<F extends FlagTable>(definition: CommandDefinition<F>): Command {
  return {
    flagsFirst: false,
    passesAllOn: false,
    failures: "ordinary",
    ...definition,
    // The parser makes the values from the same table.
    run: definition.run as Command["run"],
  };
}
