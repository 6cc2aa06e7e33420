// SPDX-License-Identifier: Apache-2.0
// EngineError as Connect sends it. The engine has codes that Connect lacks: the exact one travels as metadata.

import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import { type ErrorCode, toEngineError } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";

const connectCodes = {
  cancelled: Code.Canceled,
  unknown: Code.Unknown,
  "invalid-argument": Code.InvalidArgument,
  "deadline-exceeded": Code.DeadlineExceeded,
  "not-found": Code.NotFound,
  "already-exists": Code.AlreadyExists,
  "permission-denied": Code.PermissionDenied,
  "resource-exhausted": Code.ResourceExhausted,
  "failed-precondition": Code.FailedPrecondition,
  conflict: Code.FailedPrecondition,
  "not-modified": Code.FailedPrecondition,
  aborted: Code.Aborted,
  "out-of-range": Code.OutOfRange,
  "not-implemented": Code.Unimplemented,
  internal: Code.Internal,
  unavailable: Code.Unavailable,
  "data-loss": Code.DataLoss,
  unauthenticated: Code.Unauthenticated,
} as const satisfies Record<ErrorCode, Code>;

/** The error as it is sent: code and message, never the cause. */
export function toConnectError(error: unknown): ConnectError {
  if (error instanceof ConnectError) return error;
  const { code, message } = toEngineError(error);
  return new ConnectError(message, connectCodes[code], { "berth-code": code });
}

/** Maps what handlers throw, and logs it with its cause. */
export function errorInterceptor(logger: Logger): Interceptor {
  const fail = (method: string, error: unknown): never => {
    const sent = toConnectError(error);
    const fields = { method, code: sent.metadata.get("berth-code"), err: error };
    if (sent.code === Code.Internal || sent.code === Code.Unknown) logger.error(fields, sent.rawMessage);
    else logger.debug(fields, sent.rawMessage);
    throw sent;
  };
  return (next) => async (request) => {
    try {
      const response = await next(request);
      if (!response.stream) return response;
      return { ...response, message: mapped(response.message, (error) => fail(request.method.name, error)) };
    } catch (error) {
      return fail(request.method.name, error);
    }
  };
}

async function* mapped<T>(messages: AsyncIterable<T>, fail: (error: unknown) => never): AsyncIterable<T> {
  try {
    yield* messages;
  } catch (error) {
    fail(error);
  }
}
