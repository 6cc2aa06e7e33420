// SPDX-License-Identifier: Apache-2.0
// The one error type that crosses seams. core and drivers throw EngineError and nothing else; each surface maps its
// code to its own status (gRPC, Docker HTTP, Connect, exit codes). The message is for people: lower case, no full stop,
// names the object. The cause is for the log and never reaches a client.

/** All codes; a surface maps each of them. */
export const errorCodes = [
  "cancelled",
  "unknown",
  "invalid-argument",
  "deadline-exceeded",
  "not-found",
  "already-exists",
  "permission-denied",
  "resource-exhausted",
  "failed-precondition",
  "conflict",
  "not-modified",
  "aborted",
  "out-of-range",
  "not-implemented",
  "internal",
  "unavailable",
  "data-loss",
  "unauthenticated",
] as const;

/** What went wrong, as a client may act on it. */
export type ErrorCode = (typeof errorCodes)[number];

const brand: unique symbol = Symbol.for("berth.EngineError") as never;

/** What an EngineError carries beside its code and message. */
export interface EngineErrorOptions {
  /** The lower-level failure; logged, never sent to a client. */
  readonly cause?: unknown;
  /** Facts a program may read, such as { kind: "container", id: "…" }. */
  readonly details?: Readonly<Record<string, string>>;
}

/** An error with a code; recognised across module copies by its brand, not by instanceof. */
export class EngineError extends Error {
  override readonly name = "EngineError";
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, string>>;
  readonly [brand] = true;

  constructor(code: ErrorCode, message: string, options: EngineErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details ?? {};
  }
}

/** By its brand: also one of another copy of this module. */
export function isEngineError(value: unknown): value is EngineError {
  return typeof value === "object" && value !== null && brand in value;
}

/** The kinds of object that a message names. */
export type ObjectKind =
  | "blob"
  | "config"
  | "container"
  | "exec"
  | "image"
  | "ingest"
  | "layer"
  | "lease"
  | "manifest"
  | "network"
  | "process"
  | "runtime handler"
  | "sandbox"
  | "snapshot"
  | "volume";

/** not-found, with kind and id as details. */
export function notFound(kind: ObjectKind, id: string, cause?: unknown): EngineError {
  return new EngineError("not-found", `no such ${kind}: ${id}`, { details: { kind, id }, cause });
}

/** already-exists, with kind and id as details. */
export function alreadyExists(kind: ObjectKind, id: string, cause?: unknown): EngineError {
  return new EngineError("already-exists", `${kind} ${id} already exists`, { details: { kind, id }, cause });
}

/** The request makes no sense on any machine. */
export function invalidArgument(message: string, cause?: unknown): EngineError {
  return new EngineError("invalid-argument", message, { cause });
}

/** The request makes sense, but not in the state that things are in. */
export function failedPrecondition(message: string, cause?: unknown): EngineError {
  return new EngineError("failed-precondition", message, { cause });
}

/** Something else stands in the way: a name that is taken, an object that is in use. */
export function conflict(message: string, cause?: unknown): EngineError {
  return new EngineError("conflict", message, { cause });
}

/** Something that is needed does not answer; the same may work later. */
export function unavailable(message: string, cause?: unknown): EngineError {
  return new EngineError("unavailable", message, { cause });
}

/** A bug of ours or a broken assumption about the machine. */
export function internal(message: string, cause?: unknown): EngineError {
  return new EngineError("internal", message, { cause });
}

/** A part of an interface that this engine does not have. */
export function notImplemented(message: string): EngineError {
  return new EngineError("not-implemented", message);
}

/** The operation ended because its signal was aborted without a reason of its own. */
export function cancelled(message = "the operation was cancelled", cause?: unknown): EngineError {
  return new EngineError("cancelled", message, { cause });
}

/** By the names that Node gives to errno: EAGAIN stands for EWOULDBLOCK too, ENOTSUP for EOPNOTSUPP. */
const codeByErrno: Readonly<Record<string, ErrorCode>> = {
  ECANCELED: "cancelled",
  E2BIG: "invalid-argument",
  EINVAL: "invalid-argument",
  ENAMETOOLONG: "invalid-argument",
  ETIMEDOUT: "deadline-exceeded",
  ENOENT: "not-found",
  ESRCH: "not-found",
  EEXIST: "already-exists",
  EACCES: "permission-denied",
  EPERM: "permission-denied",
  EDQUOT: "resource-exhausted",
  EFBIG: "resource-exhausted",
  EMFILE: "resource-exhausted",
  EMLINK: "resource-exhausted",
  ENFILE: "resource-exhausted",
  ENOBUFS: "resource-exhausted",
  ENOMEM: "resource-exhausted",
  ENOSPC: "resource-exhausted",
  EADDRINUSE: "failed-precondition",
  EADDRNOTAVAIL: "failed-precondition",
  EBUSY: "failed-precondition",
  EISDIR: "failed-precondition",
  ELOOP: "failed-precondition",
  ENODEV: "failed-precondition",
  ENOEXEC: "failed-precondition",
  ENOTDIR: "failed-precondition",
  ENOTEMPTY: "failed-precondition",
  ENXIO: "failed-precondition",
  EROFS: "failed-precondition",
  ETXTBSY: "failed-precondition",
  EXDEV: "failed-precondition",
  EOVERFLOW: "out-of-range",
  ERANGE: "out-of-range",
  EAFNOSUPPORT: "not-implemented",
  ENOSYS: "not-implemented",
  ENOTSUP: "not-implemented",
  EOPNOTSUPP: "not-implemented",
  EIO: "internal",
  EAGAIN: "unavailable",
  EAI_AGAIN: "unavailable",
  ECONNABORTED: "unavailable",
  ECONNREFUSED: "unavailable",
  ECONNRESET: "unavailable",
  EHOSTUNREACH: "unavailable",
  ENETUNREACH: "unavailable",
  ENOTCONN: "unavailable",
  ENOTFOUND: "unavailable",
  EPIPE: "unavailable",
};

/** The code of whatever was thrown: walks cause, knows errno names, AbortError and TimeoutError. */
export function codeOf(error: unknown): ErrorCode {
  for (let current: unknown = error, depth = 0; depth < 16; depth++) {
    if (typeof current !== "object" || current === null) return "unknown";
    if (isEngineError(current)) return current.code;
    if (isSuppressedError(current)) {
      current = current.suppressed;
      continue;
    }
    const { name, code, cause } = current as { name?: unknown; code?: unknown; cause?: unknown };
    if (name === "TimeoutError") return "deadline-exceeded";
    const byErrno = typeof code === "string" ? codeByErrno[code] : undefined;
    if (byErrno !== undefined) return byErrno;
    if (name === "AbortError" && cause === undefined) return "cancelled";
    current = cause;
  }
  return "unknown";
}

/** Whether codeOf says this code. */
export function hasCode(error: unknown, code: ErrorCode): boolean {
  return codeOf(error) === code;
}

/** A failure whose clean-up failed too (await using): what failed first is what people need to hear of. */
function isSuppressedError(error: unknown): error is { readonly suppressed: unknown } {
  return error instanceof Error && error.name === "SuppressedError" && "suppressed" in error;
}

/** The text of whatever was thrown, without its cause. */
export function messageOf(error: unknown): string {
  if (isSuppressedError(error)) return messageOf(error.suppressed);
  return error instanceof Error ? error.message : String(error);
}

/** What was thrown as an EngineError: one stays as it is, anything else gets its code and this context. */
export function toEngineError(error: unknown, context?: string): EngineError {
  if (isEngineError(error) && context === undefined) return error;
  const text = messageOf(error);
  return new EngineError(codeOf(error), context === undefined ? text : `${context}: ${text}`, {
    cause: error,
    details: isEngineError(error) ? error.details : {},
  });
}

/** Throws when the condition does not hold: a bug, never bad input. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw internal(`assertion failed: ${message}`);
}
