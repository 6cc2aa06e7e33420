// SPDX-License-Identifier: Apache-2.0
// How far plugins have been told of each pod and container, so that each end is told of once. Pods and containers have
// ids of their own, so that one table serves both. Steps are numbered in the order in which they were entered.

import { KeyedLock } from "../../../base/keyed-lock.ts";
import type { HookInventory } from "../../../core/hooks/hook-target.ts";

interface State {
  /** The step that told of its stop; 0 for one before this engine's. */
  readonly stoppedBy?: number;
  readonly isRemoved?: boolean;
}

export class LifecycleStates {
  /** By id: plugins are told of one object in the order of its calls. */
  readonly turns = new KeyedLock();
  readonly #states = new Map<string, State>();

  /** What was there before this engine started: plugins of an earlier one may have been told of it. */
  seed({ pods, containers }: HookInventory): void {
    for (const { id, stopped } of pods) this.#states.set(id, stopped === true ? { stoppedBy: 0 } : {});
    for (const { id, state } of containers) this.#states.set(id, state === "stopped" ? { stoppedBy: 0 } : {});
  }

  /** It is made or runs (again). */
  begin(id: string): void {
    this.#states.set(id, {});
  }

  /** Whether this step is to tell of its stop: then it is told of. */
  stop(id: string, step: number): boolean {
    const state = this.#states.get(id);
    if (state === undefined || state.stoppedBy !== undefined) return false;
    this.#states.set(id, { ...state, stoppedBy: step });
    return true;
  }

  /** Whether its removal is still to be told of: then it is told of. Its step forgets it when it ends. */
  remove(id: string): boolean {
    const state = this.#states.get(id);
    if (state === undefined || state.isRemoved === true) return false;
    this.#states.set(id, { ...state, isRemoved: true });
    return true;
  }

  forget(id: string): void {
    this.#states.delete(id);
  }

  /** Whether its stop is told of by this step or a later one, if it is told of at all. */
  stopsFrom(id: string, step: number): boolean {
    const state = this.#states.get(id);
    return state !== undefined && (state.stoppedBy ?? step) >= step;
  }
}
