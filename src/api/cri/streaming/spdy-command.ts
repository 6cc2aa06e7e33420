// SPDX-License-Identifier: Apache-2.0
// Exec and attach over SPDY: the client opens a stream for each of error, stdin, stdout, stderr and resize, told apart
// by their header streamType; the command starts when those that were asked for are there.

import type { Duplex } from "node:stream";
import { deadlineSignal, raceSignal } from "../../../base/lifetime.ts";
import { SpdyConnection } from "../../../host/spdy/connection.ts";
import type { SpdyStream } from "../../../host/spdy/stream.ts";
import type { CommandSession } from "./command-session.ts";
import { encodeStatus } from "./command-status.ts";
import type { CommandStreams } from "./streaming-runtime.ts";
import { TerminalSizes } from "./terminal-sizes.ts";

/** By preference of the server; the client's counts. */
export const spdyCommandProtocols = ["v4.channel.k8s.io", "v3.channel.k8s.io", "v2.channel.k8s.io", "channel.k8s.io"];

const streamTypes = new Set(["error", "stdin", "stdout", "stderr", "resize"]);

/** Five streams and some to spare, for a client that resets one and opens it again. */
const maximumStreams = 16;

export interface SpdyCommandOptions {
  /** One of spdyCommandProtocols. */
  readonly protocol: string;
  readonly streamCreationTimeoutMs: number;
  readonly signal: AbortSignal;
}

/** Waits for the client's streams; deadline-exceeded when they do not come. The transport is its own in any case. */
export async function openSpdyCommand(
  transport: Duplex,
  request: CommandStreams,
  options: SpdyCommandOptions,
): Promise<CommandSession> {
  const streams = new Map<string, SpdyStream>();
  const complete = Promise.withResolvers<void>();
  const sizes = new TerminalSizes();
  const wanted = ["error", ...(["stdin", "stdout", "stderr"] as const).filter((type) => request[type])];
  const connection = new SpdyConnection(transport, {
    maximumStreams,
    accepts: (headers) => {
      const type = headers.get("streamtype") ?? "";
      return streamTypes.has(type) && !streams.has(type);
    },
    onStream: (stream) => {
      const type = stream.headers.get("streamtype") ?? "";
      streams.set(type, stream);
      if (type === "resize") void sizes.follow(stream.incoming);
      else if (type !== "stdin" || !request.stdin) void stream.incoming.return?.();
      if (wanted.every((name) => streams.has(name))) complete.resolve();
    },
  });
  connection.signal.addEventListener("abort", () => sizes.end(), { once: true });
  try {
    const deadline = deadlineSignal(options.streamCreationTimeoutMs, "waiting for the client's streams");
    await raceSignal(complete.promise, AbortSignal.any([options.signal, connection.signal, deadline]));
  } catch (error) {
    await connection[Symbol.asyncDispose]();
    throw error;
  }
  return session({ connection, streams, sizes, request, json: options.protocol.startsWith("v4.") });
}

function session(parts: {
  readonly connection: SpdyConnection;
  readonly streams: ReadonlyMap<string, SpdyStream>;
  readonly sizes: TerminalSizes;
  readonly request: CommandStreams;
  readonly json: boolean;
}): CommandSession {
  const { connection, streams, sizes, request } = parts;
  const writer = (type: "stdout" | "stderr") => {
    const stream = streams.get(type);
    return request[type] && stream !== undefined ? async (chunk: Uint8Array) => await stream.write(chunk) : undefined;
  };
  return {
    streams: {
      stdin: request.stdin ? streams.get("stdin")?.incoming : undefined,
      stdout: writer("stdout"),
      stderr: writer("stderr"),
      resizes: sizes,
    },
    signal: connection.signal,
    async finish(status, { signal }) {
      try {
        for (const type of ["stdout", "stderr"]) await raceSignal(end(streams.get(type)), signal);
        const error = streams.get("error");
        await raceSignal(end(error, encodeStatus(status, parts.json ? "json" : "text")), signal);
      } catch {
        // The peer has gone, or is to go: nobody is left to be told.
      }
      await connection.close({ signal });
    },
  };
}

async function end(stream: SpdyStream | undefined, last: Uint8Array = new Uint8Array()): Promise<void> {
  await stream?.write(last);
  await stream?.end();
}
