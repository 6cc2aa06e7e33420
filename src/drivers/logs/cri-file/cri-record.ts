// SPDX-License-Identifier: Apache-2.0
// The lines of a CRI log file (cri-api constants.go; kubelet pkg/kubelet/kuberuntime/logs): TIMESTAMP STREAM TAGS
// CONTENT. A reader looks at the first tag only: F ends a line, P is a piece of a longer one.

import type { LogEntry } from "../../../core/streams/container-log.ts";
import type { OutputStream } from "../../../core/streams/process-streams.ts";

const space = 0x20;
const colon = 0x3a;
const tagPartial = 0x50;
const tagFull = 0x46;

/** Longer timestamps do not exist; bounds the search in files that are something else. */
const maximumTimestampLength = 64;

interface RecordHeader {
  readonly timestampEnd: number;
  readonly stream: OutputStream;
  readonly complete: boolean;
  readonly contentStart: number;
}

/** What stands before the content of the record in buffer[start, end), or undefined when it is not a record. */
export function parseHeader(buffer: Buffer, start: number, end: number): RecordHeader | undefined {
  const timestampEnd = buffer.indexOf(space, start);
  if (timestampEnd <= start || timestampEnd - start > maximumTimestampLength) return undefined;
  const tagStart = timestampEnd + 8;
  if (tagStart + 1 > end || buffer[tagStart - 1] !== space) return undefined;
  const name = buffer.toString("latin1", timestampEnd + 1, tagStart - 1);
  if (name !== "stdout" && name !== "stderr") return undefined;
  const tag = buffer[tagStart];
  if (tag !== tagFull && tag !== tagPartial) return undefined;
  let contentStart = tagStart + 1;
  if (buffer[contentStart] === colon) contentStart = buffer.indexOf(space, contentStart);
  if (contentStart < 0 || contentStart > end) return undefined;
  if (contentStart < end && buffer[contentStart] !== space) return undefined;
  return {
    timestampEnd,
    stream: name,
    complete: tag === tagFull,
    contentStart: Math.min(contentStart + 1, end),
  };
}

/** The entry in buffer[start, end), its content a view of the buffer; undefined when it is not a record. */
export function parseRecord(buffer: Buffer, start: number, end: number): LogEntry | undefined {
  const header = parseHeader(buffer, start, end);
  if (header === undefined) return undefined;
  return {
    timestamp: buffer.toString("latin1", start, header.timestampEnd),
    stream: header.stream,
    complete: header.complete,
    content: buffer.subarray(header.contentStart, end),
  };
}

/** Nanoseconds since 1970 of an RFC 3339 timestamp; undefined when it is none. */
export function parseTimestamp(text: string): bigint | undefined {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?(Z|[+-]\d\d:\d\d)$/.exec(text);
  if (match === null) return undefined;
  const milliseconds = Date.parse(`${match[1]}${match[3]}`);
  if (Number.isNaN(milliseconds)) return undefined;
  return BigInt(milliseconds) * 1_000_000n + BigInt((match[2] ?? "").padEnd(9, "0"));
}
