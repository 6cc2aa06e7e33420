// SPDX-License-Identifier: Apache-2.0
// Runs an OCI runtime's command to its end.

import { runProgram } from "../../../linux/process/run-program.ts";

export interface RunResult {
  /** Undefined when it was ended by a signal. */
  readonly status: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Whatever its exit status; fails when it cannot be run, and kills it after ten seconds. */
export async function run(
  executable: string,
  parameters: readonly string[],
  { signal }: { readonly signal: AbortSignal },
): Promise<RunResult> {
  const request = { file: executable, parameters, environment: process.env, timeoutMs: 10_000 };
  const { status, stdout, stderr } = await runProgram(request, { signal });
  return { status, stdout: stdout.toString(), stderr: stderr.toString() };
}
