// SPDX-License-Identifier: Apache-2.0
// What a driver of lifecycle hooks needs of the engine. The engine is built with its hooks, so it is given to the driver
// afterwards, before it serves.

import type { ContainerEviction, ContainerUpdate, ContainerView, PodView } from "./hook-views.ts";

/** Everything that is visible; stopped containers too. */
export interface HookInventory {
  readonly pods: readonly PodView[];
  readonly containers: readonly ContainerView[];
}

/** The engine, as hooks see it. No method may enter hooks again or wait for an operation that did: that would deadlock. */
export interface HookTarget {
  /** Each pod and container from when it shows in lists until its removal is recorded. */
  list(options: { readonly signal: AbortSignal }): Promise<HookInventory>;
  /** Applies what it can without calling hooks; the result is what it could not, but for ignoreFailure. */
  update(
    updates: readonly ContainerUpdate[],
    options: { readonly signal: AbortSignal },
  ): Promise<readonly ContainerUpdate[]>;
  /** Begins to stop these containers with no grace, and does not wait for their end, whose hooks come as of any other. */
  evict(evictions: readonly ContainerEviction[], options: { readonly signal: AbortSignal }): Promise<void>;
}
