// SPDX-License-Identifier: Apache-2.0

import type { ContainerView, PodView } from "../../../../core/hooks/hook-views.ts";
import type { HookOptions } from "../../../../core/hooks/lifecycle-hooks.ts";
import { type ContainerEviction, Event, Plugin as PluginService } from "../../../../gen/nri/pkg/api/v1alpha1/api_pb.js";
import type { RuntimeResources } from "../../../../oci/runtime/spec.ts";
import { containerToNri } from "../messages/container.ts";
import { podToNri } from "../messages/pod.ts";
import { overlayResources, resourcesFromNri, resourcesToNri } from "../messages/resources.ts";
import { CollectedUpdates, evictionFromNri } from "./collected-updates.ts";
import { applyWishes, type Relay, tolerate } from "./relay.ts";

interface Request {
  readonly pod: PodView;
  readonly container: ContainerView;
}

/** Asks plugins one after the other what a container's new resources shall be; each sees what those before it said. */
export async function relayUpdateContainer(
  relay: Relay,
  { pod, container, resources }: Request & { readonly resources: RuntimeResources },
  options: HookOptions,
): Promise<RuntimeResources> {
  const updates = new CollectedUpdates();
  const evictions: ContainerEviction[] = [];
  let wanted = resources;
  for (const plugin of relay.plugins) {
    const request = {
      pod: podToNri(pod),
      container: containerToNri(container),
      linuxResources: resourcesToNri(wanted),
    };
    const answer = await plugin.ask(Event.UPDATE_CONTAINER, PluginService.method.updateContainer, request, options);
    updates.add(answer?.update ?? [], plugin.name);
    evictions.push(...(answer?.evict ?? []));
    const own = updates.of(container.id)?.linux?.resources;
    if (own !== undefined) wanted = overlayResources(resources, resourcesFromNri(own));
  }
  await applyWishes(
    relay,
    { updates: updates.views(container.id), evictions: evictions.map(evictionFromNri) },
    options,
  );
  return wanted;
}

/** Tells all plugins of a container's end; what they want of others is done. */
export async function relayStopContainer(
  relay: Relay,
  { pod, container }: Request,
  options: HookOptions,
): Promise<void> {
  if (relay.plugins.length === 0) return;
  const updates = new CollectedUpdates();
  const request = { pod: podToNri(pod), container: containerToNri(container) };
  for (const plugin of relay.plugins) {
    const ask = async () => {
      const answer = await plugin.ask(Event.STOP_CONTAINER, PluginService.method.stopContainer, request, options);
      updates.add(answer?.update ?? [], plugin.name);
    };
    await tolerate(relay, plugin, ask, options);
  }
  await applyWishes(relay, { updates: updates.views(container.id), evictions: [] }, options);
}
