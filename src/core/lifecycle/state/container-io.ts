// SPDX-License-Identifier: Apache-2.0
// A container's standard streams and log, open from the first attach or the start, whichever comes first, until its exit
// has been handled: what is written between create and start is not lost.

import type { ContainerId } from "../../../base/ids.ts";
import type { ContainerRecord } from "../../containers/container.ts";
import type { ContainerLogs, ContainerLogWriter, LogRotation } from "../../streams/container-log.ts";
import type { ProcessStreams, StreamOpener } from "../../streams/process-streams.ts";

/** Names the streams of a container's own process among those of its execs. */
export const initStreams = "init";

export class ContainerIo implements AsyncDisposable {
  readonly streams: ProcessStreams;
  /** undefined for a container whose output is dropped. */
  readonly log: ContainerLogWriter | undefined;
  /** A client has ended stdin before there was a task to tell. */
  stdinEnded = false;

  constructor(streams: ProcessStreams, log: ContainerLogWriter | undefined) {
    this.streams = streams;
    this.log = log;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.streams[Symbol.asyncDispose]();
    await this.log?.[Symbol.asyncDispose]();
  }

  /** Lets go of a container that lives on. */
  async release(): Promise<void> {
    await this.streams.release();
    await this.log?.[Symbol.asyncDispose]();
  }
}

export interface ContainerIoDeps {
  readonly streams: StreamOpener;
  readonly logs: ContainerLogs;
  /** Holds a directory of FIFOs for each container. */
  readonly directory: string;
  readonly rotation: LogRotation;
}

/** One ContainerIo a container at most. */
export class ContainerIoTable {
  readonly #open = new Map<ContainerId, Promise<ContainerIo>>();
  readonly #deps: ContainerIoDeps;

  constructor(deps: ContainerIoDeps) {
    this.#deps = deps;
  }

  /** The one that is open, or a new one. */
  async ensure(record: ContainerRecord): Promise<ContainerIo> {
    let io = this.#open.get(record.id);
    if (io === undefined) {
      const created = this.#create(record);
      io = created;
      this.#open.set(record.id, created);
      created.catch(() => {
        // Unless it was closed, and opened again, in between.
        if (this.#open.get(record.id) === created) this.#open.delete(record.id);
      });
    }
    return await io;
  }

  /** Closes it, if it is open; whoever is attached sees the end. */
  async close(id: ContainerId): Promise<void> {
    const io = this.#open.get(id);
    if (io === undefined) return;
    this.#open.delete(id);
    await (await io)[Symbol.asyncDispose]();
  }

  /** Closes it and removes its FIFOs, those of a daemon before included. */
  async remove(id: ContainerId): Promise<void> {
    await this.close(id);
    await this.#deps.streams.remove(this.directory(id));
  }

  /** Where the FIFOs of a container and its execs are. */
  directory(id: ContainerId): string {
    return `${this.#deps.directory}/${id}`;
  }

  /** Lets go of all of them and leaves what runs alone: another daemon will take over. */
  async releaseAll(): Promise<void> {
    const open = [...this.#open.values()];
    this.#open.clear();
    await Promise.all(open.map(async (io) => await (await io).release()));
  }

  async #create(record: ContainerRecord): Promise<ContainerIo> {
    await using undo = new AsyncDisposableStack();
    const log = record.logPath === "" ? undefined : undo.use(await this.#openLog(record));
    const streams = undo.use(
      await this.#deps.streams.open({
        id: initStreams,
        directory: this.directory(record.id),
        terminal: record.config.terminal,
        stdin: record.config.openStdin,
        output: true,
        ...(log !== undefined && { sink: log }),
      }),
    );
    undo.move();
    return new ContainerIo(streams, log);
  }

  /** The logs of pods are rotated by whoever made them. */
  async #openLog({ logPath, config, pod }: ContainerRecord): Promise<ContainerLogWriter> {
    const { terminal } = config;
    if (pod !== undefined) return await this.#deps.logs.open(logPath, { terminal });
    const asked = config.logRotation;
    // Either may be asked for alone.
    const rotation = {
      maximumSize: asked?.maximumSize || this.#deps.rotation.maximumSize,
      maximumFiles: asked?.maximumFiles || this.#deps.rotation.maximumFiles,
    };
    return await this.#deps.logs.open(logPath, { rotation, terminal });
  }
}
