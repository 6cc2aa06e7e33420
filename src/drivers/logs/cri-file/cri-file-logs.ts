// SPDX-License-Identifier: Apache-2.0
// Container logs as files in the CRI format. Followers are woken by the writer in this process; nothing polls.

import { conflict, toEngineError } from "../../../base/errors.ts";
import type { Logger } from "../../../base/log.ts";
import type {
  ContainerLogs,
  ContainerLogWriter,
  LogEntry,
  LogReadOptions,
  LogRotation,
} from "../../../core/streams/container-log.ts";
import { readLog } from "./cri-file-reader.ts";
import { type CriFileWriter, openWriter } from "./cri-file-writer.ts";
import { removeLogFiles } from "./log-files.ts";

export interface CriFileLogsDependencies {
  readonly logger: Logger;
}

export class CriFileLogs implements ContainerLogs {
  readonly #logger: Logger;
  readonly #writers = new Map<string, CriFileWriter>();

  constructor({ logger }: CriFileLogsDependencies) {
    this.#logger = logger;
  }

  /** conflict when a writer of this path is still open. */
  async open(
    path: string,
    { rotation, terminal }: { readonly rotation?: LogRotation; readonly terminal: boolean },
  ): Promise<ContainerLogWriter> {
    if (this.#writers.has(path)) throw conflict(`the log ${path} is being written already`);
    const onClose = () => this.#writers.delete(path);
    const writer = openWriter({ path, rotation, terminal, logger: this.#logger, onClose });
    this.#writers.set(path, writer);
    return writer;
  }

  async *read(path: string, options: LogReadOptions): AsyncGenerator<LogEntry> {
    try {
      yield* readLog(path, options.follow ? this.#writers.get(path) : undefined, options);
    } catch (error) {
      throw toEngineError(error, `read the log ${path}`);
    }
  }

  async remove(path: string): Promise<void> {
    try {
      removeLogFiles(path);
    } catch (error) {
      throw toEngineError(error, `remove the log ${path}`);
    }
  }
}
