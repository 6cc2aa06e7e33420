// SPDX-License-Identifier: Apache-2.0
// Runs a process in a container to its end and gives back all that it said. One that takes too long, or whose caller has
// gone, is killed with all of its process group.

import { EngineError, hasCode, messageOf } from "../../../base/errors.ts";
import { cleanup, deadlineSignal, raceSignal } from "../../../base/lifetime.ts";
import { sigkill } from "../../../base/posix-signal.ts";
import type { OutputStream } from "../../streams/process-streams.ts";
import type { Engine } from "../engine.ts";
import { type ExecConfig, execInContainer, type StartedExec } from "./exec-container.ts";

export interface CaptureOptions {
  /** 0 is no limit. */
  readonly timeoutSeconds: number;
  /** Of each stream; what comes beyond is dropped. */
  readonly maximumBytes: number;
  readonly signal: AbortSignal;
}

export interface CapturedExec {
  readonly exitCode: number;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
}

/** deadline-exceeded after the timeout. */
export async function captureExec(
  engine: Engine,
  reference: string,
  config: ExecConfig,
  { timeoutSeconds, maximumBytes, signal }: CaptureOptions,
): Promise<CapturedExec> {
  const timeout =
    timeoutSeconds > 0
      ? deadlineSignal(timeoutSeconds * 1000, `the command ${JSON.stringify(config.command)} in container ${reference}`)
      : undefined;
  const limit = timeout === undefined ? signal : AbortSignal.any([signal, timeout]);
  const exec = await execInContainer(engine, reference, config, { stdin: false, detached: false, signal: limit });
  const [stdout, stderr] = [new CappedBuffer(maximumBytes), new CappedBuffer(maximumBytes)];
  const read = readAll(exec, { stdout, stderr });
  try {
    const [exit] = await raceSignal(Promise.all([exec.exit, read]), limit);
    return { exitCode: exit.exitCode, stdout: stdout.bytes(), stderr: stderr.bytes() };
  } catch (error) {
    await end(engine, reference, exec, error);
    throw error;
  }
}

async function readAll(exec: StartedExec, buffers: Readonly<Record<OutputStream, CappedBuffer>>): Promise<void> {
  for await (const { stream, data } of exec.output) buffers[stream].add(data);
}

/** The caller hears why; that the process could not be ended is for the log. */
async function end(engine: Engine, reference: string, exec: StartedExec, reason: unknown): Promise<void> {
  try {
    await cleanup(async (signal) => {
      await exec.kill(sigkill, { all: true, signal }).catch((error: unknown) => {
        if (!hasCode(error, "not-found")) throw error;
      });
      await raceSignal(exec.exit, signal);
    });
  } catch (error) {
    engine.logger.error(
      {
        containerId: reference,
        execId: exec.id,
        err: new EngineError("internal", messageOf(error), { cause: reason }),
      },
      "a process that ran too long could not be ended",
    );
  }
}

/** Keeps the first bytes of a stream. */
class CappedBuffer {
  readonly #chunks: Uint8Array[] = [];
  #left: number;

  constructor(maximumBytes: number) {
    this.#left = maximumBytes;
  }

  add(data: Uint8Array): void {
    if (this.#left === 0) return;
    const kept = data.length > this.#left ? data.subarray(0, this.#left) : data;
    // The reader may use its buffer again.
    this.#chunks.push(kept.slice());
    this.#left -= kept.length;
  }

  bytes(): Uint8Array {
    const whole = new Uint8Array(this.#chunks.reduce((sum, { length }) => sum + length, 0));
    let offset = 0;
    for (const chunk of this.#chunks) {
      whole.set(chunk, offset);
      offset += chunk.length;
    }
    return whole;
  }
}
