// SPDX-License-Identifier: Apache-2.0
// A container's log: a file in the CRI format (cri-api constants.go: "TIMESTAMP STREAM TAGS CONTENT"), rotated by size
// for containers that are not Kubernetes'.

import type { OutputSink, OutputStream } from "./process-streams.ts";

/** A line, or a part of a long one. */
export interface LogEntry {
  /** RFC 3339 with nanoseconds, as written. */
  readonly timestamp: string;
  readonly stream: OutputStream;
  /** False for a piece of a longer line (tag P). */
  readonly complete: boolean;
  /** Without the newline that ended the line. */
  readonly content: Uint8Array;
}

/** Which entries to read. */
export interface LogReadOptions {
  /** Only the last so many lines. */
  readonly tail?: number;
  /** Nanoseconds since 1970, inclusive. */
  readonly since?: bigint;
  readonly until?: bigint;
  /** Goes on with what is written until the writer is closed. */
  readonly follow: boolean;
  readonly signal: AbortSignal;
}

/** When a log goes on in a new file, and how many are kept. */
export interface LogRotation {
  /** Bytes after which the file is rotated. */
  readonly maximumSize: number;
  /** How many files are kept, the current one included. */
  readonly maximumFiles: number;
}

/** Owned by the container while it runs; disposing writes out what is pending and ends the followers. */
export interface ContainerLogWriter extends OutputSink, AsyncDisposable {
  /** Closes the file and opens (creates) it again at its path, after somebody renamed it. */
  reopen(): Promise<void>;
}

/** Opens, reads and removes the logs of containers. */
export interface ContainerLogs {
  /** Appends to the file at the path, with the rotation if there is one. */
  open(
    path: string,
    options: { readonly rotation?: LogRotation; readonly terminal: boolean },
  ): Promise<ContainerLogWriter>;
  /** Reads the rotated files and the current one in order; nothing when there is no file. */
  read(path: string, options: LogReadOptions): AsyncIterable<LogEntry>;
  /** Removes the file and its rotated ones. */
  remove(path: string): Promise<void>;
}
