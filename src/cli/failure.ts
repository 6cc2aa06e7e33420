// SPDX-License-Identifier: Apache-2.0
// What a command that failed says, and its exit code.

import { isEngineError, messageOf } from "../base/errors.ts";
import type { Command } from "./command.ts";
import { CliError, StartFailure, UsageError } from "./errors.ts";
import { engineFailureExit, failureExit, startFailureExit } from "./format/exit-codes.ts";

export interface Failure {
  /** For stderr, with its newline; empty when all was said already. */
  readonly message: string;
  readonly exitCode: number;
}

/** path: the command's name, such as "run" or "container run". */
export function describeFailure(
  error: unknown,
  command: Pick<Command, "usage" | "description" | "failures">,
  path: string,
): Failure {
  const hint = `See 'berth ${path} --help'.\n`;
  if (error instanceof UsageError) {
    const message = error.showsUsage
      ? `"berth ${path}" ${error.message}.\n${hint}\nUsage:  berth ${command.usage}\n\n${command.description}\n`
      : `${error.message}\n${hint}`;
    return { message, exitCode: engineFailureExit };
  }
  const cause = error instanceof StartFailure ? error.cause : error;
  const text = failureText(cause);
  if (error instanceof CliError) return { message: text === "" ? "" : `${text}\n`, exitCode: error.exitCode };
  const message = command.failures === "run" ? `berth: ${text}\n${hint}` : `${text}\n`;
  if (error instanceof StartFailure) return { message, exitCode: startFailureExit(cause) };
  return { message, exitCode: command.failures === "ordinary" ? failureExit : engineFailureExit };
}

/** One failure in words: what the daemon says is marked as such. */
export function failureText(error: unknown): string {
  const { name, code, isFromDaemon } = (error ?? {}) as { name?: string; code?: string; isFromDaemon?: boolean };
  const text = messageOf(error);
  if (name === "BerthError") return isFromDaemon === true ? `Error response from daemon: ${text}` : text;
  if (error instanceof CliError || isEngineError(error) || code !== undefined) return text;
  // Nobody expected it: whoever reports it needs to know where.
  return `unexpected failure: ${error instanceof Error ? (error.stack ?? text) : text}`;
}
