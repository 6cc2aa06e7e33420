// SPDX-License-Identifier: Apache-2.0
// Standard streams over FIFOs. The shim keeps its ends open, so the FIFOs and what waits in them outlive the daemon:
// opening the same request again goes on where the daemon before stopped reading.

import { lstatSync, mkdirSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import path from "node:path";
import { failedPrecondition, hasCode, toEngineError } from "../../../base/errors.ts";
import { raceSignal } from "../../../base/lifetime.ts";
import type { Logger } from "../../../base/log.ts";
import type {
  FoundStreams,
  OutputChunk,
  OutputSink,
  OutputStream,
  ProcessStreams,
  StreamOpener,
  StreamRequest,
} from "../../../core/streams/process-streams.ts";
import type { Stdio } from "../../../core/streams/stdio.ts";
import { hasErrno } from "../../../host/files/errno.ts";
import { makeFifo } from "../../../linux/ffi/fifo.ts";
import { AttachedReaders } from "./attached-readers.ts";
import type { FifoKeeper } from "./fifo-keeper.ts";
import { InputFifo } from "./input-fifo.ts";
import { OutputFifo } from "./output-fifo.ts";

export interface FifoStreamOpenerDependencies {
  readonly logger: Logger;
  /** Keeps output that nobody has read while no daemon runs; without one it is lost when the container ends meanwhile. */
  readonly keeper?: FifoKeeper;
}

/** Makes the FIFOs <id>-stdin, <id>-stdout and <id>-stderr in the request's directory, or finds them there. */
export class FifoStreamOpener implements StreamOpener {
  readonly #logger: Logger;
  readonly #keeper: FifoKeeper | undefined;

  constructor({ logger, keeper }: FifoStreamOpenerDependencies) {
    this.#logger = logger;
    this.#keeper = keeper;
  }

  async open(request: StreamRequest): Promise<ProcessStreams> {
    const made: string[] = [];
    try {
      mkdirSync(request.directory, { recursive: true, mode: 0o700 });
      const stdio = stdioOf(request);
      for (const fifo of [stdio.stdin, stdio.stdout, stdio.stderr]) {
        if (fifo !== undefined && ensureFifo(fifo)) made.push(fifo);
      }
      await this.#keeper?.hold(made.filter((fifo) => fifo !== stdio.stdin));
      const logger = this.#logger.child({ process: request.id });
      return new FifoStreams({ stdio, sink: request.sink, logger, keeper: this.#keeper });
    } catch (error) {
      await removeFiles(made, this.#keeper);
      throw toEngineError(error, `open the streams of process ${request.id}`);
    }
  }

  async list(directory: string): Promise<readonly FoundStreams[]> {
    const names = new Set(await namesIn(directory));
    return Array.from(names)
      .filter((name) => name.endsWith(outputSuffix))
      .map((name) => name.slice(0, -outputSuffix.length))
      .map((id) => ({ id, terminal: !names.has(`${id}-stderr`), stdin: names.has(`${id}-stdin`) }));
  }

  async remove(directory: string): Promise<void> {
    await this.#keeper?.drop(directory);
    await rm(directory, { recursive: true, force: true });
  }
}

/** The FIFO that every process with output has, whatever else it has. */
const outputSuffix = "-stdout";

interface FifoStreamsParts {
  readonly stdio: Stdio;
  readonly sink: OutputSink | undefined;
  readonly logger: Logger;
  readonly keeper: FifoKeeper | undefined;
}

class FifoStreams implements ProcessStreams {
  readonly stdio: Stdio;
  readonly #keeper: FifoKeeper | undefined;
  readonly ended: Promise<void>;
  readonly #sink: OutputSink | undefined;
  readonly #logger: Logger;
  readonly #readers = new AttachedReaders(() => {
    for (const output of this.#outputs) output.resume();
  });
  readonly #outputs = new Set<OutputFifo>();
  readonly #input: InputFifo | undefined;
  readonly #resolveEnded: () => void;
  #sinkFailed = false;
  #draining = false;

  constructor({ stdio, sink, logger, keeper }: FifoStreamsParts) {
    this.stdio = stdio;
    this.#sink = sink;
    this.#logger = logger;
    this.#keeper = keeper;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    this.#resolveEnded = resolve;
    try {
      if (stdio.stdin !== undefined) this.#input = new InputFifo(stdio.stdin);
      if (stdio.stdout !== undefined) this.#listen("stdout", stdio.stdout);
      if (stdio.stderr !== undefined) this.#listen("stderr", stdio.stderr);
    } catch (error) {
      this.#closeAll();
      throw error;
    }
    if (this.#outputs.size === 0) this.#end();
  }

  attach(options: { readonly signal: AbortSignal }): AsyncIterable<OutputChunk> {
    return this.#readers.attach(options);
  }

  async writeStdin(data: Uint8Array, options: { readonly signal: AbortSignal }): Promise<void> {
    if (this.#input === undefined) throw failedPrecondition("the process has no standard input");
    await this.#input.write(data, options);
  }

  async endStdin(): Promise<void> {
    await this.#input?.end();
  }

  async drain({ graceMs }: { readonly graceMs: number }): Promise<void> {
    this.#draining = true;
    for (const output of this.#outputs) {
      output.resume();
      output.finish();
    }
    await raceSignal(this.ended, AbortSignal.timeout(graceMs)).catch(() => {
      // What comes later is nobody's any more.
    });
  }

  async release(): Promise<void> {
    this.#closeAll();
    await this.ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
    const fifos = [this.stdio.stdin, this.stdio.stdout, this.stdio.stderr].filter((fifo) => fifo !== undefined);
    await removeFiles(fifos, this.#keeper);
  }

  #listen(stream: OutputStream, fifo: string): void {
    const output = new OutputFifo(fifo, {
      onData: (data) => this.#receive(stream, data),
      onEnd: (error) => {
        if (error !== undefined) this.#logger.warn({ stream, error }, "reading a process's output failed");
        this.#outputs.delete(output);
        if (this.#outputs.size === 0) this.#end();
      },
    });
    this.#outputs.add(output);
  }

  #receive(stream: OutputStream, data: Uint8Array): boolean {
    try {
      this.#sink?.write(stream, data);
    } catch (error) {
      if (!this.#sinkFailed) this.#logger.error({ stream, error }, "the log of a process refused its output");
      this.#sinkFailed = true;
    }
    if (this.#readers.push(stream, data) || this.#draining) return true;
    for (const output of this.#outputs) output.pause();
    return false;
  }

  #end(): void {
    this.#readers.close();
    this.#resolveEnded();
  }

  #closeAll(): void {
    this.#input?.close();
    for (const output of this.#outputs) output.close();
  }
}

function stdioOf({ id, directory, terminal, stdin, output }: StreamRequest): Stdio {
  const name = (stream: string) => path.join(directory, `${id}-${stream}`);
  return {
    terminal,
    ...(stdin ? { stdin: name("stdin") } : {}),
    ...(output ? { stdout: name("stdout") } : {}),
    ...(output && !terminal ? { stderr: name("stderr") } : {}),
  };
}

/** True when it was made now, false when a daemon before this one made it. */
function ensureFifo(fifo: string): boolean {
  try {
    makeFifo(fifo, 0o600);
    return true;
  } catch (error) {
    if (!hasErrno(error, "EEXIST")) throw error;
    if (!lstatSync(fifo).isFIFO()) throw failedPrecondition(`${fifo} is in the way: it is no FIFO`, error);
    return false;
  }
}

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (hasCode(error, "not-found")) return [];
    throw toEngineError(error, `list the streams in ${directory}`);
  }
}

async function removeFiles(files: readonly string[], keeper: FifoKeeper | undefined): Promise<void> {
  await Promise.all(
    files.map(async (file) => {
      await rm(file, { force: true });
      await keeper?.drop(file);
    }),
  );
}
