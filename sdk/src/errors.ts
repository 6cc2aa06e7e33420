// SPDX-License-Identifier: Apache-2.0
// What the client throws: one error type with a code, so that callers act on codes and not on texts.

import { Code, ConnectError } from "@connectrpc/connect";

interface BerthErrorOptions extends ErrorOptions {
  readonly isFromDaemon?: boolean;
}

/** A failure that the daemon reported, or the failure to reach it (code "unavailable"). */
export class BerthError extends Error {
  override readonly name = "BerthError";
  /** One of the engine's codes, such as "not-found" or "conflict". */
  readonly code: string;
  /** The daemon itself said so: it was reached. */
  readonly isFromDaemon: boolean;

  constructor(code: string, message: string, options: BerthErrorOptions = {}) {
    super(message, options);
    this.code = code;
    this.isFromDaemon = options.isFromDaemon ?? false;
  }
}

/** The daemon's address, for the message that says it is not there. */
export function toBerthError(error: unknown, host: string): unknown {
  if (error instanceof BerthError || !(error instanceof Error)) return error;
  if (isUnreachable(error)) {
    return new BerthError("unavailable", `Cannot connect to the Berth daemon at ${host}. Is it running?`, {
      cause: error,
    });
  }
  if (!(error instanceof ConnectError)) return error;
  const code = error.metadata.get("berth-code");
  return new BerthError(code ?? codeNames[error.code], error.rawMessage, { cause: error, isFromDaemon: code !== null });
}

const unreachableCodes = new Set(["ENOENT", "ECONNREFUSED", "EACCES", "ENOTSOCK", "ECONNRESET", "EPIPE"]);

/** True when no daemon answered at all: the failure is the socket's own. */
function isUnreachable(error: Error): boolean {
  for (let current: unknown = error; current instanceof Error; current = current.cause) {
    const { code, syscall } = current as NodeJS.ErrnoException;
    if (syscall === "connect" && code !== undefined && unreachableCodes.has(code)) return true;
  }
  return false;
}

const codeNames: Readonly<Record<Code, string>> = {
  [Code.Canceled]: "cancelled",
  [Code.Unknown]: "unknown",
  [Code.InvalidArgument]: "invalid-argument",
  [Code.DeadlineExceeded]: "deadline-exceeded",
  [Code.NotFound]: "not-found",
  [Code.AlreadyExists]: "already-exists",
  [Code.PermissionDenied]: "permission-denied",
  [Code.ResourceExhausted]: "resource-exhausted",
  [Code.FailedPrecondition]: "failed-precondition",
  [Code.Aborted]: "aborted",
  [Code.OutOfRange]: "out-of-range",
  [Code.Unimplemented]: "not-implemented",
  [Code.Internal]: "internal",
  [Code.Unavailable]: "unavailable",
  [Code.DataLoss]: "data-loss",
  [Code.Unauthenticated]: "unauthenticated",
};
