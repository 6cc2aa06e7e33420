// SPDX-License-Identifier: Apache-2.0
// Watches an exec in the background, its own or one that an earlier daemon left, and gives back what it used when it has
// ended. Its FIFOs are read to the end whoever is there: an exec that nobody listens to must not block.

import { hasCode } from "../../../base/errors.ts";
import { cleanup } from "../../../base/lifetime.ts";
import type { ContainerRecord } from "../../containers/container.ts";
import type { FoundStreams, ProcessStreams } from "../../streams/process-streams.ts";
import type { Exit, Process } from "../../tasks/task-runtime.ts";
import type { Engine } from "../engine.ts";
import { containerEvent } from "../state/container-events.ts";
import type { RunningContainer } from "../state/running-container.ts";

/** How long output may lag behind the exit when a process that it left behind holds the stream. */
const outputGraceMs = 2_000;

interface Owner {
  readonly record: ContainerRecord;
  readonly running: RunningContainer;
}

interface ExecParts {
  readonly id: string;
  readonly process: Process;
  /** Owned from now on. */
  readonly streams: ProcessStreams;
  readonly terminal: boolean;
}

/** Registers a started exec with its container; the promise resolves when everything of it has been given back. */
export async function superviseExec(engine: Engine, { record, running }: Owner, exec: ExecParts): Promise<Exit> {
  const { id, process, streams, terminal } = exec;
  const { promise, resolve, reject } = Promise.withResolvers<Exit>();
  promise.catch(() => {
    // Whoever asks for the exit sees the failure; nobody has to ask.
  });
  const ended = Promise.withResolvers<void>();
  running.execs.set(id, { id, process, terminal, ended: ended.promise });
  engine.background.run(`exec ${id}`, async (signal) => {
    try {
      const exit = await process.wait({ signal });
      await streams.drain({ graceMs: outputGraceMs });
      await giveBack(process, streams);
      engine.events.publish(containerEvent("exec_die", record, { execID: id, exitCode: String(exit.exitCode) }));
      resolve(exit);
    } catch (error) {
      reject(error);
      // It goes on running, and the next daemon goes on with it.
      if (signal.aborted) await streams.release();
      else await giveBack(process, streams);
      throw error;
    } finally {
      running.execs.delete(id);
      ended.resolve();
    }
  });
  return await promise;
}

/** Takes over what the execs of an earlier daemon left: they run to their end, without anybody to see it. */
export function recoverExecs(engine: Engine, { record, running }: Owner, left: readonly FoundStreams[]): void {
  for (const found of left) {
    engine.background.run(`recover exec ${found.id}`, async (signal) => {
      await using undo = new AsyncDisposableStack();
      const directory = engine.io.directory(record.id);
      const streams = undo.use(await engine.streams.open({ ...found, directory, output: true }));
      const process = await running.task.adoptExec(found.id, { signal });
      if (process === undefined) return;
      undo.move();
      superviseExec(engine, { record, running }, { id: found.id, process, streams, terminal: found.terminal }).catch(
        () => {
          // The background group reports it.
        },
      );
      if (found.stdin && !found.terminal) await endExecStdin(process, streams);
    });
  }
}

/** The process reads what was written and then sees the end; one that has ended already is fine. */
export async function endExecStdin(process: Process, streams: ProcessStreams): Promise<void> {
  await streams.endStdin();
  await cleanup(async (signal) => await process.closeStdin({ signal })).catch((error: unknown) => {
    if (!hasCode(error, "not-found")) throw error;
  });
}

async function giveBack(process: Process, streams: ProcessStreams): Promise<void> {
  await using _streams = streams;
  await cleanup(async (signal) => await process.delete({ signal }));
}
