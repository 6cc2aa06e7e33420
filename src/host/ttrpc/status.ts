// SPDX-License-Identifier: Apache-2.0
// gRPC status codes (google.rpc.Code) and the engine's error codes.

import { codeOf, EngineError, type ErrorCode, messageOf } from "../../base/errors.ts";

const grpcByCode = {
  cancelled: 1,
  unknown: 2,
  "invalid-argument": 3,
  "deadline-exceeded": 4,
  "not-found": 5,
  "already-exists": 6,
  "permission-denied": 7,
  "resource-exhausted": 8,
  "failed-precondition": 9,
  conflict: 9,
  "not-modified": 9,
  aborted: 10,
  "out-of-range": 11,
  "not-implemented": 12,
  internal: 13,
  unavailable: 14,
  "data-loss": 15,
  unauthenticated: 16,
} as const satisfies Record<ErrorCode, number>;

// Reversed, so that the first of several with one number wins.
const codeByGrpc = new Map<number, ErrorCode>(
  Object.entries(grpcByCode)
    .map(([code, number]): [number, ErrorCode] => [number, code as ErrorCode])
    .toReversed(),
);

/** The error behind a status that is not OK; a code that nobody knows is "unknown". */
export function errorFromStatus(status: { readonly code: number; readonly message: string }): EngineError {
  return new EngineError(codeByGrpc.get(status.code) ?? "unknown", status.message);
}

/** The code and message of whatever was thrown, for the wire. */
export function statusFromError(error: unknown): { readonly code: number; readonly message: string } {
  return { code: grpcByCode[codeOf(error)], message: messageOf(error) };
}
