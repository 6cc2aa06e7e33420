// SPDX-License-Identifier: Apache-2.0
// An engine of plain processes and sockets of this machine, to stand behind a streaming server in tests: exec runs its
// command, attach runs a shell, a forwarded port is one of this machine. A terminal's sizes arrive as lines like 80x24 on
// descriptor 3 of the process.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import type { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { notFound, toEngineError } from "../../../../base/errors.ts";
import { joinConnection } from "../join-connection.ts";
import type {
  AttachRequest,
  ExecRequest,
  StreamedProcess,
  StreamingRuntime,
  TerminalSize,
} from "../streaming-runtime.ts";

/** A runtime that remembers how its handlers ended. */
export interface LocalRuntime extends StreamingRuntime {
  /** The reasons of the signals that aborted. */
  readonly aborted: unknown[];
  /** Bytes of output that the peers took. */
  readonly written: () => number;
  /** Processes that run. */
  readonly running: Set<ChildProcess>;
}

export function localRuntime(): LocalRuntime {
  const aborted: unknown[] = [];
  const running = new Set<ChildProcess>();
  let written = 0;
  const run = async (
    request: ExecRequest | (AttachRequest & { readonly command: readonly string[] }),
    streams: StreamedProcess,
    signal: AbortSignal,
  ): Promise<number> => {
    if (request.containerId === "missing") throw notFound("container", request.containerId);
    signal.addEventListener("abort", () => aborted.push(signal.reason), { once: true });
    const child = spawn(request.command[0] ?? "", request.command.slice(1), {
      stdio: ["pipe", "pipe", "pipe", "pipe"],
      detached: true,
    });
    running.add(child);
    const exit = once(child, "exit") as Promise<[number | null]>;
    // The process is the leader of its group: what it has started goes with it.
    const kill = () => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
      } catch {
        // All of them have ended.
      }
    };
    signal.addEventListener("abort", kill, { once: true });
    for (const stream of child.stdio) stream?.on("error", () => {});
    void pipeline(streams.stdin ?? [], child.stdin).catch(() => {});
    void tell(child.stdio[3] as Writable, streams.resizes);
    const take = async (output: Readable, write: ((chunk: Uint8Array) => Promise<void>) | undefined) => {
      for await (const chunk of output) {
        await write?.(chunk as Buffer);
        written += (chunk as Buffer).length;
      }
    };
    try {
      await Promise.all([take(child.stdout, streams.stdout), take(child.stderr, streams.stderr)]);
      return (await exit)[0] ?? 137;
    } finally {
      kill();
      running.delete(child);
    }
  };
  return {
    aborted,
    running,
    written: () => written,
    exec: async (request, streams, { signal }) => await run(request, streams, signal),
    attach: async (request, streams, { signal }) => void (await run({ ...request, command: ["sh"] }, streams, signal)),
    portForward: async ({ port }, connection, { signal }) => {
      signal.addEventListener("abort", () => aborted.push(signal.reason), { once: true });
      const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
      try {
        await once(socket, "connect", { signal });
      } catch (error) {
        throw toEngineError(error, `connect to port ${port}`);
      }
      await joinConnection(socket, connection, { signal });
    },
  };
}

async function tell(target: Writable, sizes: AsyncIterable<TerminalSize>): Promise<void> {
  for await (const { width, height } of sizes) target.write(`${width}x${height}\n`);
  target.end();
}
