// SPDX-License-Identifier: Apache-2.0
// Talking to the service manager: readiness (sd_notify(3)) and the sockets it opened for us (sd_listen_fds(3)). Without one
// all of it does nothing.

import { toEngineError } from "../../../base/errors.ts";
import { sendDatagram } from "../../../linux/ffi/notify.ts";

/** Such as process.env. */
export type Environment = Readonly<Record<string, string | undefined>>;

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
