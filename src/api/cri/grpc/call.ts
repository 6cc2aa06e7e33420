// SPDX-License-Identifier: Apache-2.0
// One running call: its signal, its deadline, its line in the log. Whoever ends it first gives the reason.

import type { Message } from "@bufbuild/protobuf";
import type { ServerUnaryCall, ServerWritableStream } from "@grpc/grpc-js";
import { cancelled, EngineError, isEngineError } from "../../../base/errors.ts";
import type { Logger } from "../../../base/log.ts";
import type { CallContext } from "./service.ts";
import { type FailedStatus, toStatus } from "./status.ts";

/** grpc-js's side of a call, of either kind. */
export type GrpcCall = ServerUnaryCall<Message, Buffer> | ServerWritableStream<Message, Buffer>;

/** A client ends its call at its deadline by itself, and may be heard a little before our own clock says so. */
const deadlineToleranceMs = 20;

/** Longest time that a timer of Node takes. */
const longestTimerMs = 2 ** 31 - 1;

/** Owned by the server while the handler runs. */
export class Call {
  readonly context: CallContext;
  readonly isStream: boolean;
  readonly #method: string;
  readonly #logger: Logger;
  readonly #controller = new AbortController();
  readonly #started = performance.now();
  readonly #deadline: number;
  readonly #timer: NodeJS.Timeout | undefined;
  #clientHasLeft = false;
  #hasEnded = false;

  constructor(call: GrpcCall, method: { readonly name: string; readonly isStream: boolean }, logger: Logger) {
    this.#method = method.name;
    this.isStream = method.isStream;
    this.#logger = logger;
    this.#deadline = Number(call.getDeadline());
    const { signal } = this.#controller;
    const hasDeadline = Number.isFinite(this.#deadline);
    this.context = hasDeadline ? { signal, deadline: new Date(this.#deadline) } : { signal };
    // For a unary call the library says "cancelled" at its deadline; of a stream whose client reads nothing it does not.
    if (hasDeadline && method.isStream) {
      const remaining = Math.min(this.#deadline - Date.now(), longestTimerMs);
      this.#timer = setTimeout(() => this.abort(deadlinePassed()), remaining).unref();
    }
    call.once("cancelled", () => {
      if (this.#hasEnded) return; // the library says so after each call, whatever its end
      this.#clientHasLeft = true;
      this.abort(this.#isLate() ? deadlinePassed() : cancelled("the client cancelled the call"));
    });
  }

  /** Ends the call early; the first reason counts, and after the end none does. */
  abort(reason: EngineError): void {
    if (!this.#hasEnded) this.#controller.abort(reason);
  }

  /** Must be called once, before the answer goes out. */
  succeed(): void {
    this.#end();
    const fields = { method: this.#method, code: "ok", milliseconds: this.#milliseconds() };
    if (this.#clientHasLeft) this.#logger.info(fields, "the client did not wait for the answer");
    else this.#logger.debug(fields, "call");
  }

  /** Must be called once, before the failure goes out; gives what to send. What ended the call early is the reason. */
  fail(error: unknown): FailedStatus {
    this.#end();
    const { signal } = this.context;
    const sent = toStatus(signal.aborted ? signal.reason : error);
    const fields = { method: this.#method, code: sent.errorCode, milliseconds: this.#milliseconds() };
    if (sent.errorCode === "internal" || sent.errorCode === "unknown") {
      this.#logger.error({ ...fields, err: error }, sent.details);
    } else {
      // Where our own error was made says nothing; what it was made of may.
      const cause = isEngineError(error) ? error.cause : error;
      this.#logger.info(cause === undefined ? fields : { ...fields, err: cause }, sent.details);
    }
    return sent;
  }

  #isLate(): boolean {
    return Date.now() >= this.#deadline - deadlineToleranceMs;
  }

  #end(): void {
    this.#hasEnded = true;
    clearTimeout(this.#timer);
  }

  #milliseconds(): number {
    return Math.round((performance.now() - this.#started) * 1000) / 1000;
  }
}

function deadlinePassed(): EngineError {
  return new EngineError("deadline-exceeded", "the deadline of the call has passed");
}
