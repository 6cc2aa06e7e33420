// SPDX-License-Identifier: Apache-2.0
// Runs further processes in a running container.

import { codeOf, conflict, type EngineError, internal } from "../../../base/errors.ts";
import { type ExecId, newId } from "../../../base/ids.ts";
import { cleanup } from "../../../base/lifetime.ts";
import type { ContainerRecord } from "../../containers/container.ts";
import { buildExecProcess, type ExecInput } from "../../containers/spec/exec-process.ts";
import type { OutputChunk } from "../../streams/process-streams.ts";
import type { Exit, Process } from "../../tasks/task-runtime.ts";
import { type Engine, rootfsPath } from "../engine.ts";
import { userIn } from "../prepare/container-user.ts";
import { containerEvent } from "../state/container-events.ts";
import type { RunningContainer } from "../state/running-container.ts";
import { otherFailure, startFailureExitCode } from "../state/start-failure.ts";
import { endExecStdin, superviseExec } from "./supervise-exec.ts";

/** What to run. The user is looked up in the container's files as they are now. */
export interface ExecConfig
  extends Pick<ExecInput, "command" | "environment" | "workingDirectory" | "terminal" | "privileged"> {
  readonly user?: string;
}

/** A started exec; its owner reads output to its end and then asks for the exit. */
export interface StartedExec {
  readonly id: string;
  readonly pid: number;
  readonly output: AsyncIterable<OutputChunk>;
  writeStdin(data: Uint8Array): Promise<void>;
  endStdin(): Promise<void>;
  readonly kill: Process["kill"];
  resize(
    size: { readonly width: number; readonly height: number },
    options: { readonly signal: AbortSignal },
  ): Promise<void>;
  /** Resolves when it has ended and everything of it has been given back. */
  readonly exit: Promise<Exit>;
}

export interface ExecOptions {
  readonly stdin: boolean;
  /** Nobody reads its output: it is dropped, and output is empty. */
  readonly detached: boolean;
  readonly size?: { readonly width: number; readonly height: number };
  readonly signal: AbortSignal;
}

/** conflict when the container does not run or is paused. */
export async function execInContainer(
  engine: Engine,
  reference: string,
  config: ExecConfig,
  options: ExecOptions,
): Promise<StartedExec> {
  const record = engine.registry.get(reference);
  const running = engine.running.get(record.id);
  if (running === undefined) throw notRunning(record);
  if (record.state.status === "paused")
    throw conflict(`container ${record.name} is paused, unpause the container before exec`);
  try {
    return await startExec(engine, { record, running }, config, options);
  } catch (error) {
    // Whatever fails while a container ends fails for that reason.
    if (await hasEnded(engine, { record, running })) throw notRunning(record, error);
    if (!options.signal.aborted && (await endsNow(running, error))) throw notRunning(record, error);
    throw error;
  }
}

interface Target {
  readonly record: ContainerRecord;
  readonly running: RunningContainer;
}

function notRunning({ id }: ContainerRecord, cause?: unknown): EngineError {
  return conflict(`container ${id} is not running`, cause);
}

async function hasEnded(engine: Engine, { record, running }: Target): Promise<boolean> {
  if (engine.running.get(record.id) !== running) return true;
  try {
    return (await cleanup(async (signal) => await running.task.status({ signal }))) === "stopped";
  } catch (error) {
    return codeOf(error) === "not-found";
  }
}

/** How long a shim may take to notice that a container has ended. */
const noticeMs = 500;

/** The runtime meets the end before the shim tells of it. A command that cannot be run is no sign of that. */
async function endsNow({ task }: RunningContainer, failure: unknown): Promise<boolean> {
  if (startFailureExitCode(failure) !== otherFailure) return false;
  try {
    await task.wait({ signal: AbortSignal.timeout(noticeMs) });
    return true;
  } catch {
    return false; // it goes on
  }
}

async function startExec(
  engine: Engine,
  { record, running }: Target,
  config: ExecConfig,
  options: ExecOptions,
): Promise<StartedExec> {
  const id = newId<ExecId>();
  await using undo = new AsyncDisposableStack();
  const streams = undo.use(
    await engine.streams.open({
      id,
      directory: engine.io.directory(record.id),
      terminal: config.terminal,
      stdin: options.stdin,
      output: true,
    }),
  );
  const process = await createProcess(engine, {
    record,
    running,
    id,
    config,
    stdio: streams.stdio,
    ...(options.size !== undefined && { size: options.size }),
    signal: options.signal,
  });
  undo.defer(async () => await cleanup(async (fresh) => await process.delete({ signal: fresh })));
  // A client that has gone holds up nothing.
  const output = options.detached ? nothing() : streams.attach({ signal: options.signal });
  engine.events.publish(containerEvent(`exec_create: ${config.command.join(" ")}`, record, { execID: id }));
  await process.start({ signal: options.signal });
  engine.events.publish(containerEvent(`exec_start: ${config.command.join(" ")}`, record, { execID: id }));
  undo.move();
  const exit = superviseExec(engine, { record, running }, { id, process, streams, terminal: config.terminal });
  return {
    id,
    pid: process.pid,
    output,
    exit,
    kill: async (...of) => await process.kill(...of),
    resize: async (...of) => await process.resize(...of),
    writeStdin: async (data) => await streams.writeStdin(data, { signal: engine.background.signal }),
    endStdin: async () => {
      if (options.stdin && !config.terminal) await endExecStdin(process, streams);
    },
  };
}

async function* nothing(): AsyncGenerator<OutputChunk> {
  // Ends at once.
}

async function createProcess(
  engine: Engine,
  parts: {
    readonly record: ContainerRecord;
    readonly running: RunningContainer;
    readonly id: string;
    readonly config: ExecConfig;
    readonly stdio: Parameters<RunningContainer["task"]["exec"]>[2];
    readonly size?: NonNullable<ExecOptions["size"]>;
    readonly signal: AbortSignal;
  },
): Promise<Process> {
  const { record, running, id, config, stdio, size, signal } = parts;
  if (record.process === undefined) throw internal(`container ${record.id} runs without a recorded process`);
  const image = record.imageDefaults;
  const { supplementalGroupsPolicy } = record.config;
  const found = await userIn(engine, rootfsPath(engine, record.id), {
    user: config.user ?? record.config.user ?? image.User ?? "",
    groupAdd: record.config.groupAdd,
    ...(supplementalGroupsPolicy !== undefined && { policy: supplementalGroupsPolicy }),
  });
  // The container may have groups of its devices besides.
  const groups = config.user === undefined ? (record.process.user.additionalGids ?? []) : [];
  const user = { ...found, additionalGids: [...new Set([...found.additionalGids, ...groups])] };
  const process = buildExecProcess({
    container: record.process,
    config: record.config,
    image,
    host: engine.host,
    hostname: record.hostname,
    ...config,
    ...(size !== undefined && { size }),
    user,
  });
  return await running.task.exec(id, process, stdio, { signal });
}
