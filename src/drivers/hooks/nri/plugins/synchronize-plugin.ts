// SPDX-License-Identifier: Apache-2.0
// Gives a plugin that joins all there is.

import { deadlineSignal, raceSignal } from "../../../../base/lifetime.ts";
import type { Logger } from "../../../../base/log.ts";
import type { HookTarget } from "../../../../core/hooks/hook-target.ts";
import type { ContainerView } from "../../../../core/hooks/hook-views.ts";
import type { ContainerUpdate } from "../../../../gen/nri/pkg/api/v1alpha1/api_pb.js";
import { containerToNri } from "../messages/container.ts";
import { podToNri } from "../messages/pod.ts";
import { updateFromNri } from "../requests/collected-updates.ts";
import { applyWishes } from "../requests/relay.ts";
import type { Plugin } from "./plugin.ts";

export interface Joining {
  readonly plugin: Plugin;
  /** The plugin's turn, which was asked for when it became one of those that are called: nothing comes before this. */
  readonly turn: Promise<Disposable>;
  /** Resolves when all has ended that was entered before, and does not call it. */
  readonly earlier: Promise<unknown>;
  readonly isShown: (container: ContainerView) => boolean;
  readonly target: HookTarget;
  readonly logger: Logger;
  /** For what came earlier to end, and for the plugin to take in the list. */
  readonly timeoutMs: number;
}

/** When it returns, what the plugin wants changed has been changed; it is called from when it has answered. */
export async function synchronizePlugin(
  { plugin, turn, earlier, isShown, target, logger, timeoutMs }: Joining,
  { signal }: { readonly signal: AbortSignal },
): Promise<void> {
  let wishes: readonly ContainerUpdate[];
  {
    using _turn = await turn;
    const what = `waiting for what is in progress before NRI plugin ${plugin.name} joins`;
    const deadline = AbortSignal.any([signal, deadlineSignal(timeoutMs, what)]);
    await raceSignal(earlier, deadline);
    const { pods, containers } = await target.list({ signal: deadline });
    const shown = {
      pods: pods.map(podToNri),
      containers: containers.filter(isShown).map(containerToNri),
    };
    wishes = await plugin.synchronize(shown, { signal, timeoutMs });
  }
  // The turn is over: an operation that holds what is to be changed may be waiting for it.
  await applyWishes({ target, logger }, { updates: wishes.map(updateFromNri), evictions: [] }, { signal });
}
