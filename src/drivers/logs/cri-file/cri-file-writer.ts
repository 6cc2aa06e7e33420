// SPDX-License-Identifier: Apache-2.0
// Writes one container's log. A full disk neither stops the container nor the daemon: what cannot be written is dropped
// and counted, and the log says so once there is room again.

import { closeSync, fstatSync, ftruncateSync, renameSync, writeSync } from "node:fs";
import { failedPrecondition, toEngineError } from "../../../base/errors.ts";
import type { Logger } from "../../../base/log.ts";
import type { ContainerLogWriter, LogRotation } from "../../../core/streams/container-log.ts";
import type { OutputStream } from "../../../core/streams/process-streams.ts";
import { timestampLength } from "./log-clock.ts";
import { openForAppending, shiftFiles } from "./log-files.ts";
import { RecordEncoder } from "./record-encoder.ts";

export interface CriFileWriterOptions {
  readonly path: string;
  readonly rotation: LogRotation | undefined;
  readonly terminal: boolean;
  readonly logger: Logger;
  /** Called once, when the writer is disposed. */
  readonly onClose: () => void;
}

/** Tells its followers after each write, each change of file and when it is closed. */
export class CriFileWriter implements ContainerLogWriter {
  readonly #path: string;
  readonly #rotation: LogRotation | undefined;
  readonly #terminal: boolean;
  readonly #logger: Logger;
  readonly #onClose: () => void;
  readonly #encoder: RecordEncoder;
  readonly #followers = new Set<() => void>();
  #fd: number;
  #size: number;
  /** Bytes that could not be written since the last that could. */
  #dropped = 0;
  #closed = false;

  constructor({ path, rotation, terminal, logger, onClose }: CriFileWriterOptions) {
    this.#path = path;
    this.#rotation = rotation;
    this.#terminal = terminal;
    this.#logger = logger;
    this.#onClose = onClose;
    this.#encoder = new RecordEncoder((records) => this.#append(records), rotation?.maximumSize);
    const { fd, size } = openForAppending(path);
    this.#fd = fd;
    this.#size = size;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Calls back after each change; dispose the result to stop. */
  follow(onChange: () => void): Disposable {
    this.#followers.add(onChange);
    return { [Symbol.dispose]: () => this.#followers.delete(onChange) };
  }

  write(stream: OutputStream, data: Uint8Array): void {
    if (this.#closed || (this.#terminal && stream !== "stdout")) return;
    this.#encoder.write(stream, data);
    this.#notify();
  }

  async reopen(): Promise<void> {
    if (this.#closed) throw failedPrecondition(`the log ${this.#path} is closed`);
    try {
      this.#replace(openForAppending(this.#path));
    } catch (error) {
      throw toEngineError(error, `reopen the log ${this.#path}`);
    }
    this.#notify();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#encoder.end();
    this.#closed = true;
    closeSync(this.#fd);
    this.#onClose();
    this.#notify();
  }

  #notify(): void {
    for (const onChange of this.#followers) onChange();
  }

  #append(records: Buffer): void {
    if (this.#rotation !== undefined && this.#size > 0 && this.#size + records.length > this.#rotation.maximumSize) {
      this.#rotate(this.#rotation);
    }
    const dropped = this.#dropped;
    const failure = this.#tryWrite(dropped === 0 ? records : Buffer.concat([this.#droppedNote(records), records]));
    if (failure === undefined) {
      if (dropped > 0) this.#logger.info({ path: this.#path, dropped }, "a container's log is written again");
      this.#dropped = 0;
      return;
    }
    if (dropped === 0) {
      this.#logger.error(
        { path: this.#path, error: failure },
        "a container's log cannot be written, output is dropped",
      );
    }
    this.#dropped += records.length;
  }

  /** Writes all of it or nothing; why not. */
  #tryWrite(records: Buffer): unknown {
    let written = 0;
    try {
      while (written < records.length) written += writeSync(this.#fd, records, written);
      this.#size += written;
      return undefined;
    } catch (error) {
      if (written > 0) this.#cutOff(written);
      return error;
    }
  }

  /** Goes on in the same file when the next one cannot be opened, and tries again after as much output. */
  #rotate(rotation: LogRotation): void {
    try {
      shiftFiles(this.#path, rotation);
      this.#replace(openForAppending(this.#path));
    } catch (error) {
      this.#logger.warn({ path: this.#path, error }, "a container's log could not be rotated");
      this.#size = 0;
      this.#putBack();
    }
  }

  #putBack(): void {
    try {
      if (fstatSync(this.#fd).nlink > 0) renameSync(`${this.#path}.1`, this.#path);
    } catch (error) {
      // Best effort: the file stays where readers find it as well, as the newest of the rotated ones.
      this.#logger.debug({ path: this.#path, error }, "a container's log keeps its rotated name");
    }
  }

  #replace({ fd, size }: { readonly fd: number; readonly size: number }): void {
    closeSync(this.#fd);
    this.#fd = fd;
    this.#size = size;
  }

  /** Takes back the beginning of a block, so that the file ends with a whole record. */
  #cutOff(written: number): void {
    try {
      ftruncateSync(this.#fd, fstatSync(this.#fd).size - written);
    } catch (error) {
      this.#logger.warn({ path: this.#path, error }, "a container's log ends within a line");
    }
  }

  /** The record that says what is missing before these. */
  #droppedNote(records: Buffer): Buffer {
    const timestamp = records.toString("latin1", 0, timestampLength);
    const stream = this.#terminal ? "stdout" : "stderr";
    const text = `[berth: ${this.#dropped} bytes of this log are lost, they could not be written]`;
    return Buffer.from(`${timestamp} ${stream} F ${text}\n`);
  }
}

/** Opens the file; EngineError naming it when that fails. */
export function openWriter(options: CriFileWriterOptions): CriFileWriter {
  try {
    return new CriFileWriter(options);
  } catch (error) {
    throw toEngineError(error, `open the log ${options.path}`);
  }
}
