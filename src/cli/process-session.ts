// SPDX-License-Identifier: Apache-2.0
// A user at a process in a container: output is shown, input is sent, the terminal is raw for so long and follows the
// window's size, and the detach keys end the session while the process goes on.

import type { AttachedStreams, ExecStreams } from "@berth/sdk";
import type { CommandContext } from "./command.ts";
import { CliError } from "./errors.ts";
import { DetachFilter, parseDetachKeys } from "./terminal/detach-keys.ts";
import { onProxiedSignal } from "./terminal/signals.ts";
import { enterRawMode, onResize, type TerminalSize, terminalSize } from "./terminal/terminal.ts";

export interface SessionOptions {
  /** Which of our own streams take part. */
  readonly streams: { readonly stdin: boolean; readonly stdout: boolean; readonly stderr: boolean };
  /** The process has a terminal. */
  readonly terminal: boolean;
  /** As the user wrote them; the usual ones when undefined. */
  readonly detachKeys: string | undefined;
  /** Gives the process's terminal another size. */
  readonly resize: (size: { readonly width: number; readonly height: number }) => Promise<void>;
}

type Streams = AttachedStreams | ExecStreams;

const resizeAttempts = 10;
const resizePauseMs = 20;

/** Until the process has closed its output, or the user detaches. */
export async function runSession(
  context: CommandContext,
  streams: Streams,
  options: SessionOptions,
): Promise<"ended" | "detached"> {
  const detachKeys = parseDetachKeys(options.detachKeys ?? "");
  using scope = new DisposableStack();
  if (options.terminal) {
    if (options.streams.stdin) scope.use(enterRawMode(context.stdin));
    scope.use(followSize(context, options.resize));
  }
  const filter = options.terminal ? new DetachFilter(detachKeys) : undefined;
  const output = (async () => {
    await showOutput(context, streams, options);
    return "ended" as const;
  })();
  if (!options.streams.stdin) return await output;
  const detached = Promise.withResolvers<"detached">();
  // Input may stay open for ever: the process's end does not wait for it.
  const input = sendInput(context.stdin, streams, filter).then((isDetached) => {
    if (isDetached) detached.resolve("detached");
  });
  input.catch(detached.reject);
  const end = await Promise.race([output, detached.promise]);
  if (end === "detached") {
    streams.close();
    context.stderr.write("read escape sequence\n");
  }
  context.stdin.pause();
  return end;
}

/** Docker's refusal to use a pipe as a terminal's keyboard. */
export function checkTerminal(context: CommandContext, { stdin, tty }: { stdin: boolean; tty: boolean }): void {
  if (stdin && tty && !context.stdin.isTTY) throw new CliError("the input device is not a TTY");
}

/** Sends the signals that reach the command to the container's process, until it is disposed of. */
export function proxySignals(context: CommandContext, container: string): Disposable {
  using scope = new DisposableStack();
  scope.use(context.takeSignals());
  scope.use(
    onProxiedSignal((name) => {
      context
        .client()
        .containers.kill(container, { posixSignal: name })
        .catch(() => {
          // It has not started yet, or it has ended: the wait tells.
        });
    }),
  );
  return scope.move();
}

async function showOutput(context: CommandContext, streams: Streams, options: SessionOptions): Promise<void> {
  for await (const { stream, data } of streams.output) {
    if (!options.streams[stream]) continue;
    await writeTo(stream === "stderr" ? context.stderr : context.stdout, data);
  }
}

/** Waits for a slow reader instead of collecting what it has not read. */
export async function writeTo(output: NodeJS.WritableStream, data: Uint8Array | string): Promise<void> {
  if (output.write(data)) return;
  await new Promise<void>((resolve) => {
    output.once("drain", resolve);
  });
}

/** True when the user typed the detach keys. */
async function sendInput(
  stdin: NodeJS.ReadStream,
  streams: Streams,
  filter: DetachFilter | undefined,
): Promise<boolean> {
  for await (const chunk of chunks(stdin)) {
    const { data, detached } = filter?.push(chunk) ?? { data: chunk, detached: false };
    if (data.length > 0) await streams.write(data);
    if (detached) return true;
  }
  const rest = filter?.flush() ?? new Uint8Array();
  if (rest.length > 0) await streams.write(rest);
  streams.endStdin();
  return false;
}

async function* chunks(stdin: NodeJS.ReadStream): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of stdin) yield chunk as Uint8Array;
  } catch {
    // A terminal that is gone gives EIO, a directory EISDIR: either way nothing more comes.
  }
}

function followSize({ stdout, signal }: CommandContext, resize: SessionOptions["resize"]): Disposable {
  let latest = terminalSize(stdout);
  const send = async (size: TerminalSize) => {
    latest = size;
    // Right after the start the terminal may not be there yet.
    for (let attempt = 1; attempt <= resizeAttempts && latest === size && !signal.aborted; attempt++) {
      try {
        await resize({ width: size.columns, height: size.rows });
        return;
      } catch {
        await new Promise((resolve) => {
          setTimeout(resolve, resizePauseMs * attempt).unref();
        });
      }
    }
  };
  if (latest !== undefined) void send(latest);
  const listener = onResize(stdout, (size) => void send(size));
  return {
    [Symbol.dispose]() {
      latest = undefined;
      listener[Symbol.dispose]();
    },
  };
}
