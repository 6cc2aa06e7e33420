// SPDX-License-Identifier: Apache-2.0
// How far plugins have been told of each pod and container, so that each end is told of once. Pods and containers have
// ids of their own, so that one table serves both.

import { KeyedLock } from "../../../base/keyed-lock.ts";
import type { HookInventory } from "../../../core/hooks/hook-target.ts";

/** Stopped is told of once, removed forgets. */
type State = "live" | "stopped";

export class LifecycleStates {
  /** By id: plugins are told of one object in the order of its calls. */
  readonly turns = new KeyedLock();
  readonly #states = new Map<string, State>();

  /** What was there before this engine started: plugins of an earlier one may have been told of it. */
  seed({ pods, containers }: HookInventory): void {
    for (const { id, stopped } of pods) this.#states.set(id, stopped === true ? "stopped" : "live");
    for (const { id, state } of containers) this.#states.set(id, state === "stopped" ? "stopped" : "live");
  }

  /** It is made or runs (again). */
  begin(id: string): void {
    this.#states.set(id, "live");
  }

  /** Whether its stop is still to be told of, which it is from now on no more. */
  stop(id: string): boolean {
    if (this.#states.get(id) !== "live") return false;
    this.#states.set(id, "stopped");
    return true;
  }

  /** Whether its removal is still to be told of, which it is from now on no more. */
  remove(id: string): boolean {
    return this.#states.delete(id);
  }
}
