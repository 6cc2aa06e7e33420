// SPDX-License-Identifier: Apache-2.0
// Attaching to a container's streams, before it starts or while it runs.

import { conflict } from "../../base/errors.ts";
import { cleanup } from "../../base/lifetime.ts";
import type { ContainerRecord } from "../containers/container.ts";
import type { OutputChunk } from "../streams/process-streams.ts";
import type { Task } from "../tasks/task-runtime.ts";
import type { Engine } from "./engine.ts";
import { containerEvent } from "./state/container-events.ts";
import type { ContainerIo } from "./state/container-io.ts";

export interface Attachment {
  readonly record: ContainerRecord;
  /** What is written from now on; ends with the container's output. */
  readonly output: AsyncIterable<OutputChunk>;
  writeStdin(data: Uint8Array): Promise<void>;
  /** The client will send no more. With stdinOnce that ends the process's stdin. */
  endStdin(): Promise<void>;
}

/** conflict for a container that is being removed; one that does not run is attached to for its next start. */
export async function attachContainer(
  engine: Engine,
  reference: string,
  { signal }: { readonly signal: AbortSignal },
): Promise<Attachment> {
  const record = engine.registry.get(reference);
  if (record.state.status === "dead") throw conflict(`container ${record.name} is marked for removal`);
  const io = engine.running.get(record.id)?.io ?? (await engine.io.ensure(record));
  const output = io.streams.attach({ signal });
  engine.events.publish(containerEvent("attach", record));
  return {
    record,
    output,
    writeStdin: async (data) => await io.streams.writeStdin(data, { signal }),
    endStdin: async () => {
      if (!record.config.openStdin || !record.config.stdinOnce || record.config.terminal) return;
      io.stdinEnded = true;
      const running = engine.running.get(record.id);
      // Before the start the input waits in the FIFO: starting ends it.
      if (running !== undefined) await endStdin(running.task, io);
    },
  };
}

/** The process reads what was written and then sees the end. */
export async function endStdin(task: Task, io: ContainerIo): Promise<void> {
  await io.streams.endStdin();
  await cleanup(async (signal) => await task.closeStdin({ signal }));
}
