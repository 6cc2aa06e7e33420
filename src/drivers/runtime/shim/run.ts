// SPDX-License-Identifier: Apache-2.0
// Runs an OCI runtime's command to its end.

import { execFile } from "node:child_process";
import { messageOf, toEngineError } from "../../../base/errors.ts";

export interface RunResult {
  /** Undefined when it was ended by a signal. */
  readonly status: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Whatever its exit status; fails when it cannot be run or takes longer than ten seconds. */
export async function run(
  executable: string,
  parameters: readonly string[],
  { signal }: { readonly signal: AbortSignal },
): Promise<RunResult> {
  signal.throwIfAborted();
  const options = { signal, timeout: 10_000, killSignal: "SIGKILL", maxBuffer: 1024 * 1024 } as const;
  return await new Promise<RunResult>((resolve, reject) => {
    execFile(executable, parameters, options, (error, stdout, stderr) => {
      if (signal.aborted) reject(signal.reason as Error);
      else if (error === null) resolve({ status: 0, stdout, stderr });
      else if (typeof error.code === "number") resolve({ status: error.code, stdout, stderr });
      else if (error.killed === true) resolve({ status: undefined, stdout, stderr: stderr || messageOf(error) });
      else reject(toEngineError(error, `run ${executable}`));
    });
  });
}
