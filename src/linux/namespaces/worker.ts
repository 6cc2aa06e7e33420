// SPDX-License-Identifier: Apache-2.0
// The worker's side of the namespace thread: one request after the other, each on this thread and nowhere else, since
// unshare(2) and setns(2) act on the thread that calls.

import type { MessagePort } from "node:worker_threads";
import { codeOf, type ErrorCode, messageOf } from "../../base/errors.ts";
import { openHomeNamespaces, type PinRequest, pinNamespaces, StrayThreadError } from "./pin.ts";

/** A request to the thread. */
export interface NamespaceMessage {
  readonly sequence: number;
  readonly request: PinRequest;
}

/** The answer; error is there when nothing was made. */
export interface NamespaceReply {
  readonly sequence: number;
  readonly error?: { readonly code: ErrorCode; readonly message: string };
}

/** Answers requests on the port until it is closed. A thread that cannot go home ends; its owner starts another. */
export function serveNamespaces(port: MessagePort): void {
  const home = openHomeNamespaces();
  port.on("message", ({ sequence, request }: NamespaceMessage) => {
    try {
      pinNamespaces(request, home);
      port.postMessage({ sequence } satisfies NamespaceReply);
    } catch (error) {
      const reply = { sequence, error: { code: codeOf(error), message: messageOf(error) } };
      port.postMessage(reply satisfies NamespaceReply);
      if (error instanceof StrayThreadError) process.exit(1); // of the thread, not of the process
    }
  });
}
