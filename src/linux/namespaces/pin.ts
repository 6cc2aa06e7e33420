// SPDX-License-Identifier: Apache-2.0
// Pinning namespaces: a bind mount of /proc/thread-self/ns/<kind> on a file keeps a namespace without a process in it.
//
// The pins of one set lie in one directory. It is made under a hidden name and renamed when all is done, so that a
// directory with its proper name is always whole, and what a killed process left is known by its name.

import { closeSync, mkdirSync, openSync, readdirSync, renameSync, rmdirSync, unlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { ifThereSync } from "../../host/files/errno.ts";
import { mount, mountFlags } from "../ffi/mount.ts";
import { enterNamespace, namespaceFlags, setHostname, unshare } from "../ffi/namespace.ts";
import { bringInterfaceUp } from "../ffi/network.ts";
import { detach } from "../mount/unmount.ts";
import { type NamespacedSysctl, type NamespaceKind, sysctlRefused } from "./sysctls.ts";

/** The names that the kernel gives the kinds; the pins' file names too. */
export const pinNames = { network: "net", ipc: "ipc", uts: "uts" } as const satisfies Record<NamespaceKind, string>;

const kinds = Object.keys(pinNames) as NamespaceKind[];

export interface PinRequest {
  /** Where the pins shall be; must not exist. */
  readonly directory: string;
  /** New ones of these are made; the others stay those of the process. */
  readonly kinds: readonly NamespaceKind[];
  /** For a new UTS namespace; empty keeps the machine's. */
  readonly hostname: string;
  readonly sysctls: readonly NamespacedSysctl[];
}

/** The thread could not get back into its own namespaces: it must end. */
export class StrayThreadError extends Error {
  override readonly name = "StrayThreadError";
}

/** Descriptors of a thread's own namespaces, the way back. */
export type HomeNamespaces = ReadonlyMap<NamespaceKind, number>;

/** Opens the calling thread's namespaces; the descriptors live as long as the thread. */
export function openHomeNamespaces(): HomeNamespaces {
  return new Map(kinds.map((kind) => [kind, openSync(`/proc/thread-self/ns/${pinNames[kind]}`, "r")]));
}

/** Makes and pins the namespaces on the calling thread, and takes the thread home again. Undoes itself on failure. */
export function pinNamespaces(request: PinRequest, home: HomeNamespaces): void {
  const unfinished = unfinishedName(request.directory);
  try {
    mkdirSync(unfinished, { mode: 0o700 });
    for (const kind of request.kinds) closeSync(openSync(path.join(unfinished, pinNames[kind]), "wx", 0o600));
    try {
      unshare(request.kinds.reduce((flags, kind) => flags | namespaceFlags[kind], 0));
      prepareNamespaces(request);
      for (const kind of request.kinds) bindNamespace(kind, path.join(unfinished, pinNames[kind]));
    } finally {
      goHome(home);
    }
    renameSync(unfinished, request.directory);
  } catch (error) {
    removePins(unfinished);
    throw error;
  }
}

function prepareNamespaces(request: PinRequest): void {
  if (request.kinds.includes("network")) bringInterfaceUp("lo");
  if (request.kinds.includes("uts") && request.hostname !== "") setHostname(request.hostname);
  for (const sysctl of request.sysctls) {
    try {
      // /proc/sys shows the namespaces of the thread that opens, not of the process.
      writeFileSync(`/proc/sys/${sysctl.path}`, sysctl.value, { flag: "r+" });
    } catch (error) {
      throw sysctlRefused(sysctl, error);
    }
  }
}

function bindNamespace(kind: NamespaceKind, target: string): void {
  mount({ source: `/proc/thread-self/ns/${pinNames[kind]}`, target, type: "", flags: mountFlags.bind, data: "" });
}

/** Takes the calling thread back to its own namespaces. */
export function goHome(home: HomeNamespaces): void {
  try {
    for (const [kind, descriptor] of home) enterNamespace(descriptor, namespaceFlags[kind]);
  } catch (error) {
    throw new StrayThreadError("cannot return to the host's namespaces", { cause: error });
  }
}

/** Unpins whatever the directory has and removes it; succeeds when it does not exist. */
export function removePins(directory: string): void {
  const names = ifThereSync(() => readdirSync(directory));
  if (names === undefined) return;
  for (const name of names) {
    const pin = path.join(directory, name);
    detach(pin);
    unlinkSync(pin);
  }
  rmdirSync(directory);
}

/** The name of a directory of pins while it is being made. */
export function unfinishedName(directory: string): string {
  return path.join(path.dirname(directory), `.${path.basename(directory)}`);
}
