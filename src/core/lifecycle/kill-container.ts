// SPDX-License-Identifier: Apache-2.0
// Signals and stops.

import { conflict, hasCode } from "../../base/errors.ts";
import { deadlineSignal, raceSignal } from "../../base/lifetime.ts";
import { type PosixSignal, parsePosixSignal, posixSignalName, sigkill } from "../../base/posix-signal.ts";
import type { ContainerRecord } from "../containers/container.ts";
import type { Task } from "../tasks/task-runtime.ts";
import type { Engine } from "./engine.ts";
import { resumeToEnd } from "./pause-container.ts";
import { containerEvent } from "./state/container-events.ts";
import type { RunningContainer } from "./state/running-container.ts";

/** Docker's: how long a container may take to stop before it is killed. */
const defaultStopTimeoutSeconds = 10;

/** Sends the signal; a process that has ended already is fine. */
export async function killTask(
  task: Task,
  posixSignal: PosixSignal,
  { signal }: { readonly signal: AbortSignal },
): Promise<void> {
  try {
    await task.kill(posixSignal, { signal });
  } catch (error) {
    if (!hasCode(error, "not-found")) throw error;
  }
}

/** conflict when it does not run. */
export async function killContainer(
  engine: Engine,
  reference: string,
  { posixSignal, signal }: { readonly posixSignal: string; readonly signal: AbortSignal },
): Promise<void> {
  const number = posixSignal === "" ? sigkill : parsePosixSignal(posixSignal);
  const record = engine.registry.get(reference);
  const running = engine.running.get(record.id);
  if (running === undefined) {
    throw conflict(`cannot kill container: ${reference}: container ${record.id} is not running`);
  }
  await killTask(running.task, number, { signal });
  engine.events.publish(containerEvent("kill", record, { signal: String(number) }));
  if (number === parsePosixSignal(record.stopSignal)) await resumeToEnd(engine, record.id, signal);
  // Whoever kills for good expects it to be gone when the call returns.
  if (number === sigkill) await raceSignal(running.settled, signal);
}

export interface StopOptions {
  /** Seconds; -1 waits for ever; undefined is the container's own. */
  readonly timeoutSeconds?: number;
  /** A signal's name or number; undefined is the container's own. */
  readonly posixSignal?: string;
  /** Sends it only if no call before did; this one waits and kills as the others do. */
  readonly onlyOnce?: boolean;
  readonly signal: AbortSignal;
}

/** Asks it to end, waits, kills; resolves when its exit is settled. alreadyStopped when there was nothing to do. */
export async function stopContainer(
  engine: Engine,
  reference: string,
  options: StopOptions,
): Promise<{ readonly alreadyStopped: boolean }> {
  const record = engine.registry.get(reference);
  const stopSignal = parsePosixSignal(options.posixSignal ?? record.stopSignal);
  const running = engine.running.get(record.id);
  if (running === undefined) return { alreadyStopped: true };
  const seconds = options.timeoutSeconds ?? record.config.stopTimeoutSeconds ?? defaultStopTimeoutSeconds;
  const isAsked = options.onlyOnce === true && running.askedToStop;
  running.askedToStop = true;
  const { promise: stopped, resolve, reject } = Promise.withResolvers<void>();
  // Once begun it goes on to its end, also when the client that asked for it leaves.
  engine.background.run(`stop ${record.id}`, async (signal) => {
    await endOnSignal(engine, record, running, { stopSignal, seconds, isAsked, signal }).then(
      resolve,
      (error: unknown) => {
        running.askedToStop = isAsked;
        reject(error);
      },
    );
  });
  await raceSignal(stopped, options.signal);
  return { alreadyStopped: false };
}

interface Ladder {
  readonly stopSignal: PosixSignal;
  readonly seconds: number;
  /** Somebody has sent the signal already. */
  readonly isAsked: boolean;
  readonly signal: AbortSignal;
}

/** Asks kindly, waits, kills, waits. */
async function endOnSignal(
  engine: Engine,
  record: ContainerRecord,
  { task, settled }: RunningContainer,
  { stopSignal, seconds, isAsked, signal }: Ladder,
): Promise<void> {
  if (!isAsked) {
    await killTask(task, stopSignal, { signal });
    engine.events.publish(containerEvent("kill", record, { signal: String(stopSignal) }));
  }
  await resumeToEnd(engine, record.id, signal);
  if (!(await settledWithin(settled, seconds, signal))) {
    engine.logger.info(
      { containerId: record.id, seconds },
      `did not end on ${posixSignalName(stopSignal)}: killing it`,
    );
    await killTask(task, sigkill, { signal });
    engine.events.publish(containerEvent("kill", record, { signal: String(sigkill) }));
    await raceSignal(settled, signal);
  }
  engine.events.publish(containerEvent("stop", record));
}

async function settledWithin(settled: Promise<void>, seconds: number, signal: AbortSignal): Promise<boolean> {
  if (seconds < 0) {
    await raceSignal(settled, signal);
    return true;
  }
  const timeout = deadlineSignal(seconds * 1000, "stopping");
  try {
    await raceSignal(settled, AbortSignal.any([timeout, signal]));
    return true;
  } catch (error) {
    if (timeout.aborted && !signal.aborted) return false;
    throw error;
  }
}
