// SPDX-License-Identifier: Apache-2.0
// What the streaming server asks of the engine: to run, attach to and connect to what a token stands for. The peer's
// streams come as async iterables and functions that wait for the peer, so that a slow one holds up the process and not
// the daemon's memory. The signal aborts when the peer has gone, was idle for too long, or the server closes.

/** In characters. */
export interface TerminalSize {
  readonly width: number;
  readonly height: number;
}

/** Which streams a client gets. */
export interface CommandStreams {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

export interface ExecRequest extends CommandStreams {
  readonly containerId: string;
  readonly command: readonly string[];
}

export interface AttachRequest extends CommandStreams {
  readonly containerId: string;
}

/** The peer's ends of a process's streams; those that were not asked for are undefined. */
export interface StreamedProcess {
  /** To be iterated once. Ends when the peer has closed it; throws cancelled when the peer has gone. Ending early is fine. */
  readonly stdin: AsyncIterable<Uint8Array> | undefined;
  /** Resolves when the peer can take more; throws cancelled when it has gone. */
  readonly stdout: ((chunk: Uint8Array) => Promise<void>) | undefined;
  readonly stderr: ((chunk: Uint8Array) => Promise<void>) | undefined;
  /** The latest size, each time that it changes; ends with the connection. */
  readonly resizes: AsyncIterable<TerminalSize>;
}

/** A connection to a forwarded port, as the peer sees it. */
export interface ForwardedStreams {
  /** As stdin of a process. */
  readonly input: AsyncIterable<Uint8Array>;
  /** As stdout of a process. */
  readonly output: (chunk: Uint8Array) => Promise<void>;
}

export interface PortForwardRequest {
  readonly sandboxId: string;
  readonly port: number;
}

interface Waiting {
  readonly signal: AbortSignal;
}

/** The engine, as far as streams go. Errors reach the peer by their messages. */
export interface StreamingRuntime {
  /** Resolves with the exit code once all output has been given to the streams. */
  exec(request: ExecRequest, streams: StreamedProcess, options: Waiting): Promise<number>;
  /** Resolves when the container's output has ended. */
  attach(request: AttachRequest, streams: StreamedProcess, options: Waiting): Promise<void>;
  /** Resolves when the connection has ended. */
  portForward(request: PortForwardRequest, connection: ForwardedStreams, options: Waiting): Promise<void>;
}
