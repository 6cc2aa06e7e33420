// SPDX-License-Identifier: Apache-2.0
// The gRPC server of the CRI against the other stack at hand, Connect's adapter: each in a process of its own, asked in
// turn over one warm connection. node bench/grpc/measure.ts prints the table alone.

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { summary } from "../interleave.ts";

const stacks = ["grpc-js", "connect"] as const;
type Stack = (typeof stacks)[number];

const methods = [
  { name: "Version", label: "Version", calls: 200 },
  { name: "ListContainers", label: "ListContainers, 110 containers", calls: 40 },
] as const;

/** Milliseconds a call: from the request to the last trailer, and of the server's processors. */
interface Figures {
  readonly times: number[];
  readonly processor: number[];
}

interface Peer {
  readonly stack: Stack;
  readonly child: ChildProcess;
  readonly session: ClientHttp2Session;
}

/** The table as Markdown, each method on each stack, with the ratio of the chosen stack against the other. */
export async function measureGrpc(rounds: number): Promise<string> {
  const directory = mkdtempSync(path.join(tmpdir(), "berth-bench-grpc-"));
  const peers: Peer[] = [];
  try {
    for (const stack of stacks) peers.push(await open(stack, path.join(directory, `${stack}.sock`)));
    const rows: string[] = [];
    for (const method of methods) rows.push(...(await measureMethod(method, peers, rounds)));
    return `| call on a warm connection | stack | median ms | min | max | processor ms | ratio against connect |\n|---|---|---:|---:|---:|---:|---:|\n${rows.join("\n")}\n`;
  } finally {
    for (const { child, session } of peers) {
      session.destroy();
      child.kill();
    }
    rmSync(directory, { recursive: true, force: true });
  }
}

async function open(stack: Stack, socket: string): Promise<Peer> {
  const child = fork(path.join(import.meta.dirname, "server.ts"), [stack, socket]);
  await once(child, "message");
  const session = connectHttp2("http://cri", { createConnection: () => connect(socket) });
  return { stack, child, session };
}

async function measureMethod(
  { name, label, calls }: (typeof methods)[number],
  peers: readonly Peer[],
  rounds: number,
): Promise<readonly string[]> {
  const figures = new Map<Stack, Figures>(stacks.map((stack) => [stack, { times: [], processor: [] }]));
  for (let round = 0; round <= rounds; round++) {
    for (const { stack, child, session } of peers) {
      const { times, processor } = figures.get(stack) ?? { times: [], processor: [] };
      const before = await processorTime(child);
      for (let index = 0; index < calls; index++) {
        const took = await call(session, name);
        if (round > 0) times.push(took); // the first round warms up
      }
      if (round > 0) processor.push(((await processorTime(child)) - before) / calls);
    }
  }
  const reference = summary(figures.get("connect")?.times ?? []).median;
  return [...figures].map(([stack, { times, processor }]) => {
    const { median, minimum, maximum } = summary(times);
    const columns = [median, minimum, maximum, summary(processor).median].map((value) => value.toFixed(3));
    return `| ${label} | ${stack} | ${columns.join(" | ")} | ${(median / reference).toFixed(2)} |`;
  });
}

async function processorTime(child: ChildProcess): Promise<number> {
  const answered = once(child, "message");
  child.send("time");
  const [milliseconds] = (await answered) as [number];
  return milliseconds;
}

async function call(session: ClientHttp2Session, method: string): Promise<number> {
  const started = performance.now();
  const stream = session.request({
    ":method": "POST",
    ":path": `/runtime.v1.RuntimeService/${method}`,
    "content-type": "application/grpc",
    "grpc-timeout": "10S",
    te: "trailers",
  });
  const trailers = once(stream, "trailers");
  stream.resume();
  stream.end(new Uint8Array(5)); // an empty message
  const [{ "grpc-status": status }] = (await trailers) as [Record<string, string>];
  if (status !== "0") throw new Error(`${method} failed with gRPC status ${status}`);
  return performance.now() - started;
}

if (import.meta.main) process.stdout.write(await measureGrpc(Number(process.env["BENCH_ROUNDS"] ?? 20)));
