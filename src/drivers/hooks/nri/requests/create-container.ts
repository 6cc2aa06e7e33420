// SPDX-License-Identifier: Apache-2.0
// Asks plugins one after the other how a container shall be created. Each sees it as those before it left it.

import { create } from "@bufbuild/protobuf";
import { invalidArgument } from "../../../../base/errors.ts";
import type { PodView } from "../../../../core/hooks/hook-views.ts";
import type { HookedContainer, HookedView, HookOptions } from "../../../../core/hooks/lifecycle-hooks.ts";
import {
  type ContainerAdjustment,
  ContainerAdjustmentSchema,
  type CreateContainerResponse,
  Event,
  Plugin as PluginService,
} from "../../../../gen/nri/pkg/api/v1alpha1/api_pb.js";
import { adjustSpec } from "../adjust/adjust-spec.ts";
import { claimAdjustment } from "../adjust/claim.ts";
import { mergeAdjustments } from "../adjust/merge.ts";
import { Ownership } from "../adjust/ownership.ts";
import { changeMap } from "../adjust/removal.ts";
import { containerToNri } from "../messages/container.ts";
import { podToNri } from "../messages/pod.ts";
import type { DefaultValidator } from "../validation/default-validator.ts";
import { judge } from "../validation/judge.ts";
import { CollectedUpdates, evictionFromNri } from "./collected-updates.ts";
import { applyWishes, type Relay } from "./relay.ts";

interface Adjusted {
  readonly container: HookedView;
  /** Of all plugins, for those that judge it. */
  readonly adjustment: ContainerAdjustment;
}

/** conflict when plugins contradict each other; what they want of other containers is done when nobody has refused. */
export async function relayCreateContainer(
  relay: Relay & { readonly validator: DefaultValidator | undefined },
  { pod, container }: { readonly pod: PodView; readonly container: HookedView },
  options: HookOptions,
): Promise<HookedContainer> {
  const ownership = new Ownership();
  const updates = new CollectedUpdates(ownership);
  const evictions: CreateContainerResponse["evict"] = [];
  let adjusted: Adjusted = { container, adjustment: create(ContainerAdjustmentSchema) };
  for (const plugin of relay.plugins) {
    const request = { pod: podToNri(pod), container: containerToNri(adjusted.container) };
    const answer = await plugin.ask(Event.CREATE_CONTAINER, PluginService.method.createContainer, request, options);
    if (answer?.adjust !== undefined) {
      claimAdjustment({ ownership, containerId: container.id, plugin: plugin.name }, answer.adjust);
      adjusted = adjust(adjusted, answer.adjust);
    }
    if (answer?.update.some(({ containerId }) => containerId === container.id) === true) {
      throw invalidArgument(`NRI plugin ${plugin.name} wants to update container ${container.id} while it is created`);
    }
    updates.add(answer?.update ?? [], plugin.name);
    evictions.push(...(answer?.evict ?? []));
  }
  const { adjustment } = adjusted;
  relay.validator?.validate({ pod, container, adjustment, ownership, plugins: relay.plugins });
  await judge(relay, options, () => ({
    pod: podToNri(pod),
    container: containerToNri(container),
    adjust: adjustment,
    update: [...updates.messages],
    owners: ownership.toNri(),
    plugins: relay.plugins.map(({ base, index }) => ({ name: base, index })),
  }));
  await applyWishes(relay, { updates: updates.views(), evictions: evictions.map(evictionFromNri) }, options);
  return { spec: adjusted.container.spec, cdiDevices: adjustment.CDIDevices.map(({ name }) => name) };
}

function adjust({ container, adjustment }: Adjusted, change: ContainerAdjustment): Adjusted {
  return {
    container: {
      ...container,
      annotations: changeMap(container.annotations, change.annotations),
      spec: adjustSpec(container.spec, change),
    },
    adjustment: mergeAdjustments(adjustment, change),
  };
}
