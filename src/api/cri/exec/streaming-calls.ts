// SPDX-License-Identifier: Apache-2.0
// Exec, Attach and PortForward: what was asked for is checked, and the client goes on at an URL.

import { failedPrecondition, invalidArgument } from "../../../base/errors.ts";
import { readyPod } from "../../../core/lifecycle/pod-member.ts";
import type * as cri from "../../../gen/runtime/v1/api_pb.js";
import type { CriRuntime } from "../runtime/deps.ts";
import { getContainer, getPod } from "../runtime/find.ts";
import { validateCommandRequest, validatePortForwardRequest } from "../streaming/validate-request.ts";

export function exec({ engine, streaming }: CriRuntime, request: cri.ExecRequest) {
  validateCommandRequest(request);
  if (request.cmd.length === 0) throw invalidArgument("the request names no command");
  const { stdin, stdout, stderr, tty, cmd } = request;
  const containerId = runningContainer(engine, request.containerId);
  return { url: streaming.execUrl({ containerId, command: cmd, stdin, stdout, stderr, tty }) };
}

export function attach({ engine, streaming }: CriRuntime, request: cri.AttachRequest) {
  validateCommandRequest(request);
  const { stdin, stdout, stderr, tty } = request;
  const containerId = runningContainer(engine, request.containerId);
  return { url: streaming.attachUrl({ containerId, stdin, stdout, stderr, tty }) };
}

export function portForward({ engine, streaming }: CriRuntime, request: cri.PortForwardRequest) {
  const ports = request.port;
  validatePortForwardRequest({ sandboxId: request.podSandboxId, ports });
  const { id } = readyPod(engine, getPod(engine, request.podSandboxId).id);
  return { url: streaming.portForwardUrl({ sandboxId: id, ports }) };
}

function runningContainer(engine: CriRuntime["engine"], id: string): string {
  const record = getContainer(engine, id);
  if (!engine.running.has(record.id)) throw failedPrecondition(`container ${record.id} is not running`);
  return record.id;
}
