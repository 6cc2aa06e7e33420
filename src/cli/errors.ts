// SPDX-License-Identifier: Apache-2.0
// What goes wrong in the command itself, beside what the daemon reports.

/** Ends the command with this exit code; an empty message says that all was said already. */
export class CliError extends Error {
  override readonly name = "CliError";
  readonly exitCode: number;

  constructor(message: string, exitCode = 1, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

/** The command line is wrong: exit 125 and a pointer to the help. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  /** Shows the command's usage too. */
  readonly showsUsage: boolean;

  constructor(message: string, options: ErrorOptions & { readonly showsUsage?: boolean } = {}) {
    super(message, options);
    this.showsUsage = options.showsUsage ?? false;
  }
}

/** A process could not be started; the exit code (125 to 127) follows from the cause. */
export class StartFailure extends Error {
  override readonly name = "StartFailure";

  constructor(cause: unknown) {
    super("the process could not be started", { cause });
  }
}
