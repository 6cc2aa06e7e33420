// SPDX-License-Identifier: Apache-2.0

import { failedPrecondition, invalidArgument } from "../../../base/errors.ts";
import type { ProcessLister } from "../../../core/host/process-lister.ts";
import { findExecutable } from "../../../host/find-executable.ts";
import { runProgram } from "../../../linux/process/run-program.ts";

const timeoutMs = 10_000;
/** Many processes with long command lines. */
const maximumOutput = 16 * 1024 * 1024;

/** Runs the ps that is installed. */
export function createProcessLister(): ProcessLister {
  return {
    async list(parameters, { signal }) {
      const { status, stdout, stderr } = await runProgram(
        {
          file: findExecutable("ps"),
          parameters,
          // As wide as it gets: what a terminal would cut off belongs to the answer.
          environment: { PATH: process.env["PATH"], LANG: "C.UTF-8", COLUMNS: "100000" },
          timeoutMs,
          maximumOutput,
        },
        { signal },
      );
      if (status === undefined) throw failedPrecondition("ps took too long, or wrote too much");
      if (status !== 0) {
        const [complaint = ""] = stderr.toString().trim().split("\n");
        throw invalidArgument(`error running ps: exit status ${status}: ${complaint}`);
      }
      return stdout.toString();
    },
  };
}
