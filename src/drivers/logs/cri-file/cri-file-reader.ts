// SPDX-License-Identifier: Apache-2.0
// Reads one log from its oldest file to its newest, and goes on as it grows. It holds the file it reads open, so a
// rotation takes nothing away; where it goes on is found by the file's inode.

import { closeSync, fstatSync, openSync, statSync } from "node:fs";
import type { LogEntry, LogReadOptions } from "../../../core/streams/container-log.ts";
import { ifThereSync } from "../../../host/files/errno.ts";
import { findTail, RecordReader, TailCounter } from "./block-reader.ts";
import type { CriFileWriter } from "./cri-file-writer.ts";
import { parseTimestamp } from "./cri-record.ts";
import { logFiles } from "./log-files.ts";

/** The entries of the log at the path; with a writer it goes on until that is closed or the signal aborts. */
export async function* readLog(
  path: string,
  writer: CriFileWriter | undefined,
  options: LogReadOptions,
): AsyncGenerator<LogEntry> {
  using changes = new Changes(writer, options.signal);
  // Everything up to here and the opening of the files is one step: no line falls between them and the changes.
  await using files = new OpenFiles(path, { growing: writer !== undefined });
  await files.seekTail(options.tail);
  while (!options.signal.aborted) {
    const superseded = files.isSuperseded();
    changes.seen();
    const entries = await files.next();
    for (const entry of entries ?? []) {
      const verdict = judge(entry, options);
      if (verdict === "after") return;
      if (verdict === "wanted") yield entry;
    }
    if (entries !== undefined) continue;
    if (superseded) files.advance();
    else if (writer === undefined || (writer.closed && !changes.any)) return;
    else await changes.wait();
  }
}

function judge(entry: LogEntry, { since, until }: LogReadOptions): "before" | "wanted" | "after" {
  if (since === undefined && until === undefined) return "wanted";
  const time = parseTimestamp(entry.timestamp);
  if (time === undefined) return "wanted";
  if (since !== undefined && time < since) return "before";
  return until !== undefined && time > until ? "after" : "wanted";
}

/** Whether the writer, or the signal, has done something since it was last asked. */
class Changes implements Disposable {
  readonly #signal: AbortSignal;
  readonly #following: Disposable | undefined;
  #wake: (() => void) | undefined;
  any = false;

  constructor(writer: CriFileWriter | undefined, signal: AbortSignal) {
    this.#signal = signal;
    this.#following = writer?.follow(this.#note);
    signal.addEventListener("abort", this.#note, { once: true });
  }

  seen(): void {
    this.any = false;
  }

  /** Resolves at the next change; at once when there was one. */
  async wait(): Promise<void> {
    if (this.any || this.#signal.aborted) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#wake = undefined;
  }

  [Symbol.dispose](): void {
    this.#following?.[Symbol.dispose]();
    this.#signal.removeEventListener("abort", this.#note);
  }

  readonly #note = (): void => {
    this.any = true;
    this.#wake?.();
  };
}

/** The files that are still to be read; the first of them is being read. */
class OpenFiles implements AsyncDisposable {
  readonly #path: string;
  readonly #growing: boolean;
  #readers: RecordReader[];

  /** growing: files that appear later are read too. */
  constructor(path: string, { growing }: { readonly growing: boolean }) {
    this.#path = path;
    this.#growing = growing;
    this.#readers = logFiles(path).flatMap((file) => openReader(file) ?? []);
  }

  /** Leaves out all but the last lines. */
  async seekTail(lines: number | undefined): Promise<void> {
    if (lines === undefined) return;
    const counter = new TailCounter(lines);
    const kept: RecordReader[] = [];
    for (const reader of this.#readers.toReversed()) {
      const offset = await findTail(reader.fd, fstatSync(reader.fd).size, counter);
      kept.unshift(new RecordReader(reader.fd, offset));
    }
    this.#readers = kept;
  }

  /** The next entries; undefined at the end of the file that is being read. */
  async next(): Promise<readonly LogEntry[] | undefined> {
    return await this.#readers[0]?.next();
  }

  /** True when the log goes on in another file and nothing more comes to this one. */
  isSuperseded(): boolean {
    const [reader] = this.#readers;
    if (this.#readers.length > 1) return true;
    if (!this.#growing) return false;
    const current = inodeOf(this.#path);
    return current !== undefined && (reader === undefined || fstatSync(reader.fd).ino !== current);
  }

  /** Goes on to the file after this one, or to the oldest when this one is none of the log's any more. */
  advance(): void {
    const reader = this.#readers.shift();
    if (this.#readers.length === 0) {
      const files = logFiles(this.#path);
      const inode = reader === undefined ? undefined : fstatSync(reader.fd).ino;
      const at = inode === undefined ? -1 : files.findIndex((file) => inodeOf(file) === inode);
      this.#readers = files.slice(at + 1).flatMap((file) => openReader(file) ?? []);
    }
    if (reader !== undefined) closeSync(reader.fd);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const reader of this.#readers) closeSync(reader.fd);
    this.#readers = [];
  }
}

function openReader(file: string): RecordReader | undefined {
  return ifThereSync(() => new RecordReader(openSync(file, "r"), 0));
}

function inodeOf(file: string): number | undefined {
  return statSync(file, { throwIfNoEntry: false })?.ino;
}
