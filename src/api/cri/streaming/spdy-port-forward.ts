// SPDX-License-Identifier: Apache-2.0
// Port-forward over SPDY: for each connection the client opens two streams with the headers port and requestID, one for
// data and one for the error. Any number of connections share the SPDY connection.

import type { Duplex } from "node:stream";
import { TaskGroup } from "../../../base/lifetime.ts";
import { SpdyConnection } from "../../../host/spdy/connection.ts";
import type { Headers } from "../../../host/spdy/header-codec.ts";
import type { SpdyStream } from "../../../host/spdy/stream.ts";
import { type ForwardTarget, forwardPort, type PeerConnection } from "./forward-port.ts";
import { isPort } from "./validate-request.ts";

/** The one protocol of port-forward. */
export const portForwardProtocol = "portforward.k8s.io";

/** Two for each connection. */
const maximumStreams = 2048;

export interface SpdyPortForwardOptions {
  readonly streamCreationTimeoutMs: number;
  readonly signal: AbortSignal;
}

interface Pair {
  data?: SpdyStream;
  error?: SpdyStream;
  readonly timer: NodeJS.Timeout;
}

/** Serves the connection until the peer hangs up or the signal aborts; the transport is its own. */
export async function serveSpdyPortForward(
  transport: Duplex,
  target: ForwardTarget,
  options: SpdyPortForwardOptions,
): Promise<void> {
  const pairs = new Map<string, Pair>();
  await using forwards = new TaskGroup((error) => target.log.warn({ error }, "forwarding a port failed"));
  const connection = new SpdyConnection(transport, {
    maximumStreams,
    accepts: (headers) => isPort(portOf(headers)) && ["data", "error"].includes(headers.get("streamtype") ?? ""),
    onStream: (stream) => {
      const id = requestId(stream);
      const pair = pairs.get(id) ?? newPair(id);
      const type = stream.headers.get("streamtype") === "data" ? "data" : "error";
      if (pair[type] !== undefined) return stream.reset();
      pair[type] = stream;
      if (pair.data === undefined || pair.error === undefined) return;
      clearTimeout(pair.timer);
      pairs.delete(id);
      const peer = peerConnection(pair.data, pair.error);
      const port = portOf(pair.data.headers);
      forwards.run("port-forward", async () => await forwardPort(target, port, peer, { signal: connection.signal }));
    },
  });
  function newPair(id: string): Pair {
    const timer = setTimeout(() => {
      pairs.delete(id);
      pair.data?.reset();
      pair.error?.reset();
    }, options.streamCreationTimeoutMs);
    const pair: Pair = { timer };
    pairs.set(id, pair);
    return pair;
  }
  const over = AbortSignal.any([connection.signal, options.signal]);
  await new Promise<void>((resolve) => {
    if (over.aborted) resolve();
    else over.addEventListener("abort", () => resolve(), { once: true });
  });
  for (const { timer } of pairs.values()) clearTimeout(timer);
  await connection[Symbol.asyncDispose]();
}

function portOf(headers: Headers): number {
  return /^\d{1,5}$/.test(headers.get("port") ?? "") ? Number(headers.get("port")) : 0;
}

/** Clients of long ago send none: theirs open the error stream and then the data stream. */
function requestId(stream: SpdyStream): string {
  const given = stream.headers.get("requestid");
  if (given !== undefined && given !== "") return given;
  return `stream ${stream.headers.get("streamtype") === "data" ? stream.id - 2 : stream.id}`;
}

function peerConnection(data: SpdyStream, error: SpdyStream): PeerConnection {
  void error.incoming.return?.();
  const close = () => {
    data.reset();
    error.reset();
  };
  return {
    input: data.incoming,
    output: async (chunk) => await data.write(chunk),
    async end() {
      try {
        await error.end();
        await data.end();
      } finally {
        close();
      }
    },
    async fail(message) {
      try {
        await error.write(Buffer.from(message));
        await error.end();
      } finally {
        close();
      }
    },
  };
}
