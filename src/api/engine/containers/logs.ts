// SPDX-License-Identifier: Apache-2.0

import { defined } from "../../../base/defined.ts";
import { failedPrecondition } from "../../../base/errors.ts";
import type { ContainerRecord } from "../../../core/containers/container.ts";
import type { Engine } from "../../../core/lifecycle/engine.ts";
import type { LogReadOptions } from "../../../core/streams/container-log.ts";
import { type LogsRequest, OutputStream } from "../../../gen/berth/engine/v1/container_pb.js";

const newline = new Uint8Array([10]);

/** How many entries one message carries at most, so that a long log streams. */
const batchEntries = 512;
const batchBytes = 256 * 1024;

export interface LogEntryInit {
  readonly stream: OutputStream;
  readonly timestamp: string;
  readonly content: Uint8Array;
  readonly partial: boolean;
}

/** Batches of entries in order; each is sent as soon as the log has nothing more at hand. */
export async function* logs(engine: Engine, request: LogsRequest, signal: AbortSignal) {
  const record = engine.registry.get(request.container);
  if (record.logPath === "")
    throw failedPrecondition(`container ${record.name} was made without a log: nothing keeps its output`);
  const entries = logEntries(engine, record, {
    follow: request.follow && engine.running.has(record.id),
    signal,
    ...defined({ tail: request.tail, since: request.sinceNano, until: request.untilNano }),
  });
  let batch: LogEntryInit[] = [];
  let bytes = 0;
  const wanted = (entry: LogEntryInit) => (entry.stream === OutputStream.STDERR ? request.stderr : request.stdout);
  // With follow every entry goes at once: somebody is watching.
  const limit = request.follow ? 1 : batchEntries;
  for await (const entry of entries) {
    if (!wanted(entry)) continue;
    batch.push(entry);
    bytes += entry.content.length;
    if (batch.length < limit && bytes < batchBytes) continue;
    yield { entries: batch };
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) yield { entries: batch };
}

export async function* logEntries(
  engine: Engine,
  record: ContainerRecord,
  options: LogReadOptions,
): AsyncGenerator<LogEntryInit> {
  for await (const entry of engine.logs.read(record.logPath, options)) {
    yield {
      stream: entry.stream === "stderr" ? OutputStream.STDERR : OutputStream.STDOUT,
      timestamp: entry.timestamp,
      content: entry.complete ? withNewline(entry.content) : entry.content,
      partial: !entry.complete,
    };
  }
}

function withNewline(content: Uint8Array): Uint8Array {
  const line = new Uint8Array(content.length + 1);
  line.set(content);
  line.set(newline, content.length);
  return line;
}
