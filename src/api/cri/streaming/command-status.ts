// SPDX-License-Identifier: Apache-2.0
// How a command ended, as the peer's error stream says it: a Kubernetes Status as JSON from version 4 of the protocol
// on, before that a text, and only when it failed.

import { messageOf } from "../../../base/errors.ts";

export type CommandStatus =
  | { readonly kind: "success" }
  | { readonly kind: "exit"; readonly code: number }
  | { readonly kind: "failure"; readonly message: string };

/** The status of a process that has ended by itself. */
export function exited(code: number): CommandStatus {
  return code === 0 ? { kind: "success" } : { kind: "exit", code };
}

/** The status of what could not be done, or not to its end. */
export function failed(what: string, error: unknown): CommandStatus {
  return { kind: "failure", message: `${what}: ${messageOf(error)}` };
}

/** What to write on the error stream; nothing when it has nothing to say. */
export function encodeStatus(status: CommandStatus, format: "json" | "text"): Uint8Array {
  const object = statusObject(status);
  if (format === "json") return Buffer.from(JSON.stringify(object));
  return Buffer.from(object.message ?? "");
}

function statusObject(status: CommandStatus): { readonly message?: string } & Readonly<Record<string, unknown>> {
  switch (status.kind) {
    case "success":
      return { metadata: {}, status: "Success" };
    case "exit":
      return {
        metadata: {},
        status: "Failure",
        message: `command terminated with non-zero exit code: exit status ${status.code}`,
        reason: "NonZeroExitCode",
        details: { causes: [{ reason: "ExitCode", message: String(status.code) }] },
      };
    case "failure":
      return {
        metadata: {},
        status: "Failure",
        message: `Internal error occurred: ${status.message}`,
        reason: "InternalError",
        details: { causes: [{ message: status.message }] },
        code: 500,
      };
  }
}
