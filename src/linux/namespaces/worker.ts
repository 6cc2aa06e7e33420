// SPDX-License-Identifier: Apache-2.0
// The worker's side of the namespace thread: one request after the other, each on this thread and nowhere else, since
// unshare(2) and setns(2) act on the thread that calls.

import type { MessagePort } from "node:worker_threads";
import { codeOf, type ErrorCode, messageOf } from "../../base/errors.ts";
import { type ConnectRequest, startConnectionIn } from "./connect.ts";
import { type InterfaceTraffic, readInterfacesOf } from "./interfaces.ts";
import { type HomeNamespaces, openHomeNamespaces, type PinRequest, pinNamespaces, StrayThreadError } from "./pin.ts";

/** What the thread does: make and pin namespaces, count the traffic in pinned ones, or connect to something in one. */
export type NamespaceWork =
  | { readonly pin: PinRequest }
  | { readonly interfacesOf: readonly string[] }
  | { readonly connect: ConnectRequest };

/** By the pins of the namespaces. */
export type InterfacesByPin = ReadonlyMap<string, readonly InterfaceTraffic[]>;

/** A request to the thread. */
export interface NamespaceMessage {
  readonly sequence: number;
  readonly work: NamespaceWork;
}

/** The answer; error is there when nothing was made. */
export interface NamespaceReply {
  readonly sequence: number;
  readonly interfaces?: InterfacesByPin;
  /** Of a connection that has begun; the asker's from now on. */
  readonly descriptor?: number;
  readonly error?: { readonly code: ErrorCode; readonly message: string };
}

/** Answers requests on the port until it is closed. A thread that cannot go home ends; its owner starts another. */
export function serveNamespaces(port: MessagePort): void {
  const home = openHomeNamespaces();
  port.on("message", ({ sequence, work }: NamespaceMessage) => {
    try {
      port.postMessage({ sequence, ...perform(work, home) } satisfies NamespaceReply);
    } catch (error) {
      const reply = { sequence, error: { code: codeOf(error), message: messageOf(error) } };
      port.postMessage(reply satisfies NamespaceReply);
      if (error instanceof StrayThreadError) process.exit(1); // of the thread, not of the process
    }
  });
}

function perform(work: NamespaceWork, home: HomeNamespaces): Pick<NamespaceReply, "interfaces" | "descriptor"> {
  if ("connect" in work) return { descriptor: startConnectionIn(work.connect, home) };
  if ("interfacesOf" in work) return { interfaces: readInterfacesOf(work.interfacesOf, home) };
  pinNamespaces(work.pin, home);
  return {};
}
