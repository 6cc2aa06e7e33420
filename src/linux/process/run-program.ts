// SPDX-License-Identifier: Apache-2.0
// Runs a program to its end: input in, output and exit status out. Does not hold up the event loop while it starts, which
// is why the daemon runs everything this way (see ffi/spawn.ts).

import { closeSync } from "node:fs";
import { Socket } from "node:net";
import { EngineError, toEngineError } from "../../base/errors.ts";
import { type PosixSignal, sigkill } from "../../base/posix-signal.ts";
import { hasErrno } from "../../host/files/errno.ts";
import { openPipe, reap, spawnProgram } from "../ffi/spawn.ts";
import { openProcess } from "./pidfd.ts";

/** What to run. */
export interface ProgramRequest {
  /** Absolute path. */
  readonly file: string;
  readonly parameters: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly directory?: string;
  /** Nothing by default. */
  readonly input?: string | Uint8Array;
  /** Bytes of each stream after which it is killed; 1 MiB by default. */
  readonly maximumOutput?: number;
  /** Milliseconds after which it is killed. */
  readonly timeoutMs?: number;
}

/** How it ended and what it wrote. */
export interface ProgramResult {
  /** Undefined when a signal ended it. */
  readonly status: number | undefined;
  readonly posixSignal: PosixSignal | undefined;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

/** How long output may take to end after the program has: what it left behind may hold the pipes for ever. */
const outputGraceMs = 1_000;
const defaultMaximumOutput = 1024 * 1024;

/**
 * Whatever its exit status. It leads a process group; when the signal aborts the whole group is killed and the promise
 * rejects with the signal's reason.
 */
export async function runProgram(
  request: ProgramRequest,
  { signal }: { readonly signal: AbortSignal },
): Promise<ProgramResult> {
  signal.throwIfAborted();
  const deadline = request.timeoutMs === undefined ? undefined : AbortSignal.timeout(request.timeoutMs);
  const program = start(request);
  const kill = () => killGroup(program.pid);
  const enough = request.maximumOutput ?? defaultMaximumOutput;
  const stdout = collect(program.stdout, enough, kill);
  const stderr = collect(program.stderr, enough, kill);
  signal.addEventListener("abort", kill, { once: true });
  deadline?.addEventListener("abort", kill, { once: true });
  try {
    const status = await ended(program.pid);
    await settledWithin([stdout.ended, stderr.ended], outputGraceMs);
    signal.throwIfAborted();
    return { ...decode(status), stdout: stdout.take(), stderr: stderr.take() };
  } finally {
    signal.removeEventListener("abort", kill);
    deadline?.removeEventListener("abort", kill);
    program.stdin?.destroy();
    program.stdout.destroy();
    program.stderr.destroy();
  }
}

interface Started {
  readonly pid: number;
  readonly stdin: Socket | undefined;
  readonly stdout: Socket;
  readonly stderr: Socket;
}

function start(request: ProgramRequest): Started {
  const opened: number[] = [];
  const pipe = () => {
    const ends = openPipe();
    opened.push(ends.read, ends.write);
    return ends;
  };
  const release = (descriptor: number) => {
    opened.splice(opened.indexOf(descriptor), 1);
    return descriptor;
  };
  try {
    const stdin = request.input === undefined ? undefined : pipe();
    const stdout = pipe();
    const stderr = pipe();
    const pid = spawnProgram({
      file: request.file,
      parameters: [request.file, ...request.parameters],
      environment: Object.entries(request.environment).flatMap(([key, value]) =>
        value === undefined ? [] : [`${key}=${value}`],
      ),
      stdout: stdout.write,
      stderr: stderr.write,
      ownGroup: true,
      ...(stdin !== undefined && { stdin: stdin.read }),
      ...(request.directory !== undefined && { directory: request.directory }),
    });
    return {
      pid,
      stdin: stdin === undefined ? undefined : writer(release(stdin.write), request.input ?? ""),
      stdout: new Socket({ fd: release(stdout.read), readable: true, writable: false }),
      stderr: new Socket({ fd: release(stderr.read), readable: true, writable: false }),
    };
  } catch (error) {
    throw toEngineError(error, `run ${request.file}`);
  } finally {
    for (const descriptor of opened) closeSync(descriptor);
  }
}

function writer(descriptor: number, input: string | Uint8Array): Socket {
  const socket = new Socket({ fd: descriptor, readable: false, writable: true });
  // It may end without reading: its exit status says why.
  socket.on("error", () => {});
  socket.end(input);
  return socket;
}

interface Collected {
  readonly ended: Promise<void>;
  take(): Buffer;
}

function collect(socket: Socket, maximum: number, onTooMuch: () => void): Collected {
  const chunks: Buffer[] = [];
  let size = 0;
  const { promise, resolve } = Promise.withResolvers<void>();
  socket.on("data", (chunk: Buffer) => {
    size += chunk.length;
    if (size <= maximum) chunks.push(chunk);
    else onTooMuch();
  });
  // An error of a pipe is its end.
  socket.on("error", () => {});
  socket.once("close", () => resolve());
  return { ended: promise, take: () => Buffer.concat(chunks) };
}

/** The wait status of our own child. */
async function ended(pid: number): Promise<number> {
  using handle = openProcess(pid);
  // A child that nobody has reaped is there, running or not.
  if (handle === undefined) throw new EngineError("internal", `process ${pid} was reaped by somebody else`);
  await handle.ended({ signal: new AbortController().signal });
  const status = reap(pid);
  if (status === undefined) throw new EngineError("internal", `process ${pid} has ended and cannot be reaped`);
  return status;
}

async function settledWithin(promises: readonly Promise<void>[], milliseconds: number): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, milliseconds);
  try {
    await Promise.race([Promise.all(promises), late]);
  } finally {
    clearTimeout(timer);
  }
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, sigkill);
  } catch (error) {
    if (!hasErrno(error, "ESRCH")) throw error;
  }
}

/** wait(2): the low seven bits are the signal, the next byte the exit status. */
function decode(status: number): Pick<ProgramResult, "status" | "posixSignal"> {
  const posixSignal = status & 0x7f;
  if (posixSignal !== 0) return { status: undefined, posixSignal: posixSignal as PosixSignal };
  return { status: (status >> 8) & 0xff, posixSignal: undefined };
}
