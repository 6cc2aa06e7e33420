// SPDX-License-Identifier: Apache-2.0
// The traffic of the interfaces in other network namespaces, as /proc/net/dev has it: the calling thread goes into each
// namespace and home again.

import { closeSync, openSync, readFileSync } from "node:fs";
import { hasErrno } from "../../host/files/errno.ts";
import { enterNamespace, namespaceFlags } from "../ffi/namespace.ts";
import { goHome, type HomeNamespaces } from "./pin.ts";

/** Counts since the interface was made. */
export interface Traffic {
  readonly bytes: number;
  readonly packets: number;
  readonly errors: number;
  readonly dropped: number;
}

export interface InterfaceTraffic {
  readonly name: string;
  readonly receive: Traffic;
  readonly transmit: Traffic;
}

/** What is in pinned network namespaces, by their pins; pins that are not there, or are none any more, are left out. */
export function readInterfacesOf(
  pins: readonly string[],
  home: HomeNamespaces,
): ReadonlyMap<string, readonly InterfaceTraffic[]> {
  const found = new Map<string, readonly InterfaceTraffic[]>();
  try {
    for (const pin of pins) {
      // The file of the thread, for /proc/net is that of the process's first one.
      if (enter(pin)) found.set(pin, parseInterfaces(readFileSync("/proc/thread-self/net/dev", "utf8")));
    }
  } finally {
    goHome(home);
  }
  return found;
}

/** False when there is no namespace: EINVAL is the plain file that is left when a namespace has been unpinned. */
function enter(pin: string): boolean {
  let descriptor: number;
  try {
    descriptor = openSync(pin, "r");
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return false;
    throw error;
  }
  try {
    enterNamespace(descriptor, namespaceFlags.network);
    return true;
  } catch (error) {
    if (hasErrno(error, "EINVAL")) return false;
    throw error;
  } finally {
    closeSync(descriptor);
  }
}

/** Reads /proc/net/dev without loopback: "eth0:" and eight counts each for receiving and sending (proc_net(5)). */
export function parseInterfaces(text: string): readonly InterfaceTraffic[] {
  return text.split("\n").flatMap((line) => {
    const [, name, rest] = /^\s*(\S+):\s*(.*)$/.exec(line) ?? [];
    if (name === undefined || rest === undefined || name === "lo") return [];
    const counts = rest.split(/\s+/).map(Number);
    return [{ name, receive: trafficAt(counts, 0), transmit: trafficAt(counts, 8) }];
  });
}

function trafficAt(counts: readonly number[], start: number): Traffic {
  const [bytes = 0, packets = 0, errors = 0, dropped = 0] = counts.slice(start);
  return { bytes, packets, errors, dropped };
}
