// SPDX-License-Identifier: Apache-2.0
// The standard streams of a process: FIFOs on one side, a log and any number of attached clients on the other.
//
// Output is read from the moment the streams are open, so nothing is lost between create and start. It goes to the sink
// first and then to whoever is attached at that moment. A client that reads slowly holds up the process (back-pressure),
// never the daemon; one that is gone holds up nothing.

import type { Stdio } from "./stdio.ts";

/** With a terminal everything is stdout. */
export type OutputStream = "stdout" | "stderr";

/** A piece of output as it was read. */
export interface OutputChunk {
  readonly stream: OutputStream;
  readonly data: Uint8Array;
}

/** Where output goes besides the clients; a container's log. Writes are in order and complete before the next read. */
export interface OutputSink {
  write(stream: OutputStream, data: Uint8Array): void;
}

export interface StreamRequest {
  /** The process these belong to; names the FIFOs. */
  readonly id: string;
  /** Where the FIFOs are made, or found again after a restart. */
  readonly directory: string;
  readonly terminal: boolean;
  readonly stdin: boolean;
  /** Both, unless nobody will ever look. */
  readonly output: boolean;
  readonly sink?: OutputSink;
}

/** Owned by the process's owner; disposing closes and removes the FIFOs. */
export interface ProcessStreams extends AsyncDisposable {
  readonly stdio: Stdio;
  /** Registers at once; ends when the process has closed its output or the signal aborts. */
  attach(options: { readonly signal: AbortSignal }): AsyncIterable<OutputChunk>;
  /** Resolves when the process's end of the FIFO took it; failed-precondition without stdin or after its end. */
  writeStdin(data: Uint8Array, options: { readonly signal: AbortSignal }): Promise<void>;
  /** Closes our ends and leaves the FIFOs to the next daemon, with whatever waits in them. */
  release(): Promise<void>;
  /**
   * Closes our end of stdin once what was written is in the FIFO; the process sees the end when the task has closed its
   * own end as well. Not before the task is created, or what waits in the FIFO is lost.
   */
  endStdin(): Promise<void>;
  /** Resolves when the process and all who inherited its output have closed it. */
  readonly ended: Promise<void>;
  /**
   * After the exit of the process: takes in what is left without heeding slow clients, which is no more than pipes hold.
   * Resolves with ended, or when somebody whom the process left behind still holds its output after the grace.
   */
  drain(options: { readonly graceMs: number }): Promise<void>;
}

/** What lies in a directory of FIFOs, as a request that opens it again. */
export type FoundStreams = Pick<StreamRequest, "id" | "terminal" | "stdin">;

/** Makes the streams of a process, or finds those of an earlier daemon. */
export interface StreamOpener {
  open(request: StreamRequest): Promise<ProcessStreams>;
  /** What earlier daemons left in the directory; nothing when there is none. */
  list(directory: string): Promise<readonly FoundStreams[]>;
  /** Removes a directory in which nothing is open. */
  remove(directory: string): Promise<void>;
}
