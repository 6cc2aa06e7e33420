// SPDX-License-Identifier: Apache-2.0
// Checkpoints of tasks: runtimes with runc's command line have CRIU write them, which must be installed and must get along
// with the kernel. What it says of its failures stands in its log.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { EngineError, failedPrecondition, hasCode } from "../../../base/errors.ts";
import type { CheckpointRequest } from "../../../core/tasks/task-runtime.ts";
import { CheckpointOptionsSchema } from "../../../gen/containerd/runc/v1/options_pb.js";
import { findExecutable } from "../../../host/find-executable.ts";
import { runProgram } from "../../../linux/process/run-program.ts";
import { isGone } from "./errors.ts";
import type { Shim } from "./shim.ts";

const checkTimeoutMs = 20_000;
const toldFailures = 5;

export async function checkpointTask(
  { shim, taskId }: { readonly shim: Shim; readonly taskId: string },
  request: CheckpointRequest,
  { signal }: { readonly signal: AbortSignal },
): Promise<void> {
  const options = create(CheckpointOptionsSchema, { exit: false, workPath: request.workDirectory });
  const message = {
    id: taskId,
    path: request.imageDirectory,
    options: { typeUrl: CheckpointOptionsSchema.typeName, value: toBinary(CheckpointOptionsSchema, options) },
  };
  try {
    // The shim is told the time, and ends the runtime when it is up.
    await shim.call(shim.method.checkpoint, message, { signal, timeoutMs: request.timeoutMs });
  } catch (error) {
    signal.throwIfAborted();
    if (hasCode(error, "deadline-exceeded")) {
      const seconds = Math.ceil(request.timeoutMs / 1000);
      throw new EngineError("deadline-exceeded", `the checkpoint took longer than ${seconds} s`, { cause: error });
    }
    if (isGone(error) || hasCode(error, "unavailable") || hasCode(error, "not-implemented")) throw error;
    const said = failuresIn(await readFile(join(request.workDirectory, "dump.log"), "utf8").catch(() => "")); // it did not get so far
    if (said === undefined) throw error;
    throw failedPrecondition(`criu cannot checkpoint it: ${said}`, error);
  }
}

/** failed-precondition with the reason when CRIU is not here, or when it does not get along with this kernel. */
export async function checkCriu({ signal }: { readonly signal: AbortSignal }): Promise<void> {
  const { status, stdout, stderr } = await runProgram(
    {
      file: findCriu(),
      parameters: ["check"],
      environment: process.env,
      timeoutMs: checkTimeoutMs,
    },
    { signal },
  );
  if (status === 0) return;
  const text = `${stderr.toString()}\n${stdout.toString()}`;
  throw failedPrecondition(`criu does not work on this machine: ${failuresIn(text) ?? "criu check fails"}`);
}

function findCriu(): string {
  try {
    return findExecutable("criu");
  } catch (error) {
    throw failedPrecondition("checkpoints need criu, which is not on the daemon's PATH: install criu", error);
  }
}

/** What went wrong, in its order: of "Error (criu/vdso.c:381): vdso: …" the part that people understand. */
export function failuresIn(log: string): string | undefined {
  const texts = Array.from(log.matchAll(/\bError \([^)]*\): *(.*\S)/g), ([, text = ""]) => text.replace(/\.$/, ""));
  // Not only the first, which criu may have got over, nor the last, which is that the others are the reason.
  const last = [...new Set(texts)].slice(-toldFailures);
  return last.length === 0 ? undefined : last.join("; ");
}
