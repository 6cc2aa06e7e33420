// SPDX-License-Identifier: Apache-2.0
// The terminal that the command runs in: raw mode that is always undone, and its size.

import { spawnSync } from "node:child_process";
import process from "node:process";
import type { ReadStream, WriteStream } from "node:tty";

/** Rows and columns of a terminal. */
export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

/** What raw mode needs of standard input. */
export type RawInput = Pick<ReadStream, "isTTY" | "isRaw" | "setRawMode"> & { readonly fd?: number };

/** Signals that end a process which does not handle them. */
const fatalSignals = ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM"] as const;

/**
 * Makes the terminal hand over every key as it is typed, until it is disposed of. It is restored too when the process
 * exits, dies of an exception, or of a signal that nobody else handles. Does nothing when the input is no terminal.
 */
export function enterRawMode(input: RawInput = process.stdin): Disposable {
  if (!input.isTTY || input.isRaw) return { [Symbol.dispose]() {} };
  const restore = () => {
    process.off("exit", restore);
    for (const name of fatalSignals) process.off(name, restoreAndDie);
    input.setRawMode(false);
  };
  const restoreAndDie = (name: NodeJS.Signals) => {
    // Somebody who handles the signal (a proxy to the container) goes on and restores in its own time.
    if (process.listenerCount(name) > 1) return;
    restore();
    process.kill(process.pid, name);
  };
  // "exit" also follows an uncaught exception and process.exit().
  process.on("exit", restore);
  for (const name of fatalSignals) process.on(name, restoreAndDie);
  input.setRawMode(true);
  keepOutputAsItIs(input);
  return { [Symbol.dispose]: restore };
}

/**
 * Node's raw mode still makes "\r\n" of each "\n", but full-screen programs in the container mean a bare one. Leaving
 * raw mode restores this too. Without stty such programs look wrong and nothing else happens.
 */
function keepOutputAsItIs({ fd }: RawInput): void {
  if (fd !== undefined) spawnSync("stty", ["-opost"], { stdio: [fd, "ignore", "ignore"] });
}

/** The size of a terminal, undefined when the stream is none or does not know. */
export function terminalSize(output: Pick<WriteStream, "rows" | "columns"> = process.stdout): TerminalSize | undefined {
  const { rows, columns } = output as Partial<TerminalSize>;
  return rows === undefined || columns === undefined || columns === 0 ? undefined : { rows, columns };
}

/** Calls back with each new size, until it is disposed of. */
export function onResize(output: WriteStream, changed: (size: TerminalSize) => void): Disposable {
  const listener = () => {
    const size = terminalSize(output);
    if (size !== undefined) changed(size);
  };
  // Node emits it on SIGWINCH, once the new size is read.
  output.on("resize", listener);
  return {
    [Symbol.dispose]() {
      output.off("resize", listener);
    },
  };
}
