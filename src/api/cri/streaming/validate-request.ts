// SPDX-License-Identifier: Apache-2.0
// What an Exec, Attach or PortForward call must have before it gets an URL. The messages are those of other runtimes.

import { invalidArgument } from "../../../base/errors.ts";
import type { CommandStreams } from "./streaming-runtime.ts";

/** invalid-argument unless the request names a container and streams that go together. */
export function validateCommandRequest(request: CommandStreams & { readonly containerId: string }): void {
  if (request.containerId === "") throw invalidArgument("missing required container_id");
  if (request.tty && request.stderr) throw invalidArgument("tty and stderr cannot both be true");
  if (!request.stdin && !request.stdout && !request.stderr)
    throw invalidArgument("one of stdin, stdout, or stderr must be set");
}

/** invalid-argument unless the request names a sandbox, and ports if it names any. */
export function validatePortForwardRequest(request: {
  readonly sandboxId: string;
  readonly ports: readonly number[];
}): void {
  if (request.sandboxId === "") throw invalidArgument("missing required pod_sandbox_id");
  const wrong = request.ports.find((port) => !isPort(port));
  if (wrong !== undefined) throw invalidArgument(`invalid port ${wrong}`);
}

/** Whether a connection can be made to it. */
export function isPort(port: number): boolean {
  return Number.isInteger(port) && port > 0 && port < 65_536;
}
