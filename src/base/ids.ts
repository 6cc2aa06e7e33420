// SPDX-License-Identifier: Apache-2.0
// Identifiers of the engine's objects: 32 random bytes as 64 lower-case hexadecimal digits, shown by their first 12.

import { invalidArgument } from "./errors.ts";

declare const idBrand: unique symbol;
type Id<Kind extends string> = string & { readonly [idBrand]: Kind };

export type ContainerId = Id<"container">;
export type SandboxId = Id<"sandbox">;
export type ExecId = Id<"exec">;
export type LeaseId = Id<"lease">;

/** A new random identifier of 64 hexadecimal digits. */
export function newId<T extends string = string>(): T {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("") as T;
}

/** The first 12 digits, as people see them. */
export function shortId(id: string): string {
  return id.replace(/^sha256:/, "").slice(0, 12);
}

const namePattern = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;

/** Checks a name that a user gave to a container, volume or network (Docker's rule). */
export function checkName(kind: "container" | "volume" | "network", name: string): string {
  if (!namePattern.test(name)) {
    throw invalidArgument(`invalid ${kind} name (${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`);
  }
  return name;
}
