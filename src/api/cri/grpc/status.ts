// SPDX-License-Identifier: Apache-2.0
// EngineError as gRPC sends it, with the codes that containerd gives.

import { status } from "@grpc/grpc-js";
import { type ErrorCode, isEngineError, toEngineError } from "../../../base/errors.ts";

const grpcCodes = {
  cancelled: status.CANCELLED,
  unknown: status.UNKNOWN,
  "invalid-argument": status.INVALID_ARGUMENT,
  "deadline-exceeded": status.DEADLINE_EXCEEDED,
  "not-found": status.NOT_FOUND,
  "already-exists": status.ALREADY_EXISTS,
  "permission-denied": status.PERMISSION_DENIED,
  "resource-exhausted": status.RESOURCE_EXHAUSTED,
  "failed-precondition": status.FAILED_PRECONDITION,
  conflict: status.FAILED_PRECONDITION,
  "not-modified": status.FAILED_PRECONDITION,
  aborted: status.ABORTED,
  "out-of-range": status.OUT_OF_RANGE,
  "not-implemented": status.UNIMPLEMENTED,
  internal: status.INTERNAL,
  unavailable: status.UNAVAILABLE,
  "data-loss": status.DATA_LOSS,
  unauthenticated: status.UNAUTHENTICATED,
} as const satisfies Record<ErrorCode, number>;

/** How a call failed: ours for the log, the number and the text for the client. */
export interface FailedStatus {
  readonly errorCode: ErrorCode;
  readonly code: number;
  readonly details: string;
}

/** The error as it is sent: code and message, never the cause. What has no code of its own is a bug of ours. */
export function toStatus(error: unknown): FailedStatus {
  const { code, message } = toEngineError(error);
  const errorCode = code === "unknown" && !isEngineError(error) ? "internal" : code;
  // gRPC carries the text as escaped UTF-8, which a lone surrogate does not have.
  return { errorCode, code: grpcCodes[errorCode], details: message.toWellFormed() };
}
