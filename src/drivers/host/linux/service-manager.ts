// SPDX-License-Identifier: Apache-2.0
// Talking to the service manager: readiness (sd_notify(3)) and the sockets it opened for us (sd_listen_fds(3)). Without one
// all of it does nothing.

import { toEngineError } from "../../../base/errors.ts";
import { setCloseOnExec } from "../../../linux/ffi/descriptor.ts";
import { sendDatagram } from "../../../linux/ffi/notify.ts";

/** Such as process.env. */
export type Environment = Readonly<Record<string, string | undefined>>;

const variables = ["NOTIFY_SOCKET", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"] as const;

/**
 * Takes what the service manager says out of the environment and keeps its sockets to this process: a runtime that we
 * start would believe that both are meant for its container. The result is for the functions below.
 */
export function takeManagerVariables(environment: NodeJS.ProcessEnv = process.env): Environment {
  const taken = Object.fromEntries(variables.map((name) => [name, environment[name]]));
  for (const name of variables) Reflect.deleteProperty(environment, name);
  for (const { descriptor } of activatedSockets(taken)) setCloseOnExec(descriptor);
  return taken;
}

/** Tells that the daemon serves; systemd then starts what comes after it. */
export function notifyReady(environment: Environment = process.env): void {
  notify(environment, `READY=1\nMAINPID=${process.pid}`);
}

/** Tells that the daemon drains. */
export function notifyStopping(environment: Environment = process.env): void {
  notify(environment, "STOPPING=1");
}

function notify(environment: Environment, state: string): void {
  const address = environment["NOTIFY_SOCKET"];
  if (address === undefined || address === "") return;
  try {
    sendDatagram(address, state);
  } catch (error) {
    throw toEngineError(error, `cannot notify the service manager at ${address}`);
  }
}

/** A listening socket that the service manager opened. */
export interface ActivatedSocket {
  readonly descriptor: number;
  /** FileDescriptorName= of the socket unit; "unknown" without. */
  readonly name: string;
}

const firstDescriptor = 3; // SD_LISTEN_FDS_START

/** The sockets meant for this process. The variables name the process they are for, so children ignore them. */
export function activatedSockets(environment: Environment = process.env): readonly ActivatedSocket[] {
  if (environment["LISTEN_PID"] !== String(process.pid)) return [];
  const count = Number(environment["LISTEN_FDS"] ?? 0);
  if (!Number.isInteger(count) || count <= 0) return [];
  const names = environment["LISTEN_FDNAMES"]?.split(":") ?? [];
  return Array.from({ length: count }, (_, index) => ({
    descriptor: firstDescriptor + index,
    name: names[index] ?? "unknown",
  }));
}
