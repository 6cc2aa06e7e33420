// SPDX-License-Identifier: Apache-2.0
// Waiting for containers, with the conditions that docker wait has.

import { invalidArgument } from "../../base/errors.ts";
import type { Engine } from "./engine.ts";
import type { ContainerExit } from "./state/waiters.ts";

/** What to wait for, as docker wait names it. */
export type WaitCondition = "not-running" | "next-exit" | "removed";

/** "" is not-running; invalid-argument for any other word. */
export function parseWaitCondition(text: string): WaitCondition {
  if (text === "") return "not-running";
  if (text === "not-running" || text === "next-exit" || text === "removed") return text;
  throw invalidArgument(`invalid condition: "${text}"`);
}

/** Registers at once; not-running is met already by a container that does not run. */
export async function waitContainer(
  engine: Engine,
  reference: string,
  { condition, signal }: { readonly condition: WaitCondition; readonly signal: AbortSignal },
): Promise<ContainerExit> {
  const record = engine.registry.get(reference);
  if (condition === "not-running" && !engine.running.has(record.id)) {
    return { exitCode: record.state.exitCode, error: record.state.error };
  }
  return await engine.waiters.next(record.id, condition === "removed" ? "removal" : "exit", { signal });
}
