// SPDX-License-Identifier: Apache-2.0
// Frames of SPDY/3.1, taken apart and put together. Eight bytes of head: a control frame has the top bit set, then
// version u15 and type u16; a data frame has the stream id u31; both then flags u8 and length u24 (big endian). Header
// blocks stay compressed here: their state belongs to the connection.

import { invalidArgument } from "../../base/errors.ts";

/** Bytes of a frame's head. */
export const headSize = 8;

const version = 3;
const types = {
  synStream: 1,
  synReply: 2,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  headers: 8,
  windowUpdate: 9,
} as const;
const flagFin = 1;
const flagUnidirectional = 2;
const settingInitialWindow = 7;
const idMask = 0x7fff_ffff;

/** Why a stream is reset. */
export const resetStatus = { protocolError: 1, invalidStream: 2, refused: 3, cancel: 5, flowControl: 7 } as const;

/** Why no more streams are taken. */
export const goAwayStatus = { ok: 0, protocolError: 1 } as const;

/** A frame whose header block is compressed. */
export interface HeaderFrame {
  readonly kind: "syn-stream" | "syn-reply" | "headers";
  readonly streamId: number;
  /** Its sender sends nothing more on the stream. */
  readonly fin: boolean;
  /** Of syn-stream: the other side sends nothing on it. */
  readonly unidirectional: boolean;
  readonly block: Uint8Array;
}

export interface DataFrame {
  readonly kind: "data";
  readonly streamId: number;
  readonly fin: boolean;
  readonly data: Uint8Array;
}

export type Frame =
  | HeaderFrame
  | DataFrame
  | { readonly kind: "rst-stream"; readonly streamId: number; readonly status: number }
  /** The only setting that matters here. */
  | { readonly kind: "settings"; readonly initialWindow: number | undefined }
  | { readonly kind: "ping"; readonly id: number }
  | { readonly kind: "goaway"; readonly lastStreamId: number; readonly status: number }
  | { readonly kind: "window-update"; readonly streamId: number; readonly delta: number }
  | { readonly kind: "unknown"; readonly type: number };

/** A frame's head: of data the stream id, of control frames version and type. */
export interface FrameHead {
  readonly control: boolean;
  readonly streamId: number;
  readonly type: number;
  readonly flags: number;
  readonly length: number;
}

/** Reads eight bytes; a control frame of another version is refused. */
export function readHead(bytes: Buffer): FrameHead {
  const first = bytes.readUInt32BE(0);
  const control = first > idMask;
  if (control && ((first >>> 16) & 0x7fff) !== version)
    throw invalidArgument(`SPDY version ${(first >>> 16) & 0x7fff} is not supported`);
  return {
    control,
    streamId: first & idMask,
    type: first & 0xffff,
    flags: bytes.readUInt8(4),
    length: bytes.readUIntBE(5, 3),
  };
}

/** What a control frame says. */
export function parseControl({ type, flags }: FrameHead, payload: Buffer): Frame {
  const word = (offset: number) => {
    if (payload.length < offset + 4) throw invalidArgument(`SPDY frame of type ${type} has ${payload.length} bytes`);
    return payload.readUInt32BE(offset);
  };
  const headerFrame = (kind: HeaderFrame["kind"], offset: number): HeaderFrame => {
    const streamId = word(0) & idMask;
    if (payload.length < offset) throw invalidArgument(`SPDY frame of type ${type} has ${payload.length} bytes`);
    const unidirectional = kind === "syn-stream" && (flags & flagUnidirectional) !== 0;
    return { kind, streamId, fin: (flags & flagFin) !== 0, unidirectional, block: payload.subarray(offset) };
  };
  switch (type) {
    case types.synStream:
      return headerFrame("syn-stream", 10);
    case types.synReply:
      return headerFrame("syn-reply", 4);
    case types.headers:
      return headerFrame("headers", 4);
    case types.rstStream:
      return { kind: "rst-stream", streamId: word(0) & idMask, status: word(4) };
    case types.settings:
      return { kind: "settings", initialWindow: initialWindow(payload, word(0)) };
    case types.ping:
      return { kind: "ping", id: word(0) };
    case types.goAway:
      return { kind: "goaway", lastStreamId: word(0) & idMask, status: word(4) };
    case types.windowUpdate:
      return { kind: "window-update", streamId: word(0) & idMask, delta: word(4) & idMask };
    default:
      return { kind: "unknown", type };
  }
}

function initialWindow(payload: Buffer, count: number): number | undefined {
  if (payload.length - 4 < count * 8) throw invalidArgument(`SPDY settings say ${count} entries and have fewer`);
  let found: number | undefined;
  for (let offset = 4; offset < 4 + count * 8; offset += 8) {
    if (payload.readUIntBE(offset + 1, 3) === settingInitialWindow) found = payload.readUInt32BE(offset + 4);
  }
  return found;
}

/** The bytes of a frame. */
export function encodeFrame(frame: Exclude<Frame, { kind: "unknown" }>): Buffer {
  switch (frame.kind) {
    case "data":
      return Buffer.concat([head(frame.streamId, frame.fin ? flagFin : 0, frame.data.length), frame.data]);
    case "syn-stream": {
      const flags = (frame.fin ? flagFin : 0) | (frame.unidirectional ? flagUnidirectional : 0);
      return control(types.synStream, flags, [words(frame.streamId, 0), Buffer.alloc(2), frame.block]);
    }
    case "syn-reply":
      return control(types.synReply, frame.fin ? flagFin : 0, [words(frame.streamId), frame.block]);
    case "headers":
      return control(types.headers, frame.fin ? flagFin : 0, [words(frame.streamId), frame.block]);
    case "rst-stream":
      return control(types.rstStream, 0, [words(frame.streamId, frame.status)]);
    case "settings":
      return control(types.settings, 0, [
        frame.initialWindow === undefined ? words(0) : words(1, settingInitialWindow, frame.initialWindow),
      ]);
    case "ping":
      return control(types.ping, 0, [words(frame.id)]);
    case "goaway":
      return control(types.goAway, 0, [words(frame.lastStreamId, frame.status)]);
    case "window-update":
      return control(types.windowUpdate, 0, [words(frame.streamId, frame.delta)]);
  }
}

function control(type: number, flags: number, parts: readonly Uint8Array[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([head((0x8000 | version) * 0x1_0000 + type, flags, length), ...parts]);
}

function head(first: number, flags: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(headSize);
  bytes.writeUInt32BE(first, 0);
  bytes.writeUInt8(flags, 4);
  bytes.writeUIntBE(length, 5, 3);
  return bytes;
}

function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(values.length * 4);
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, index * 4);
  return bytes;
}
