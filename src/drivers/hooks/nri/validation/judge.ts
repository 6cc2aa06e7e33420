// SPDX-License-Identifier: Apache-2.0

import type { MessageInitShape } from "@bufbuild/protobuf";
import { failedPrecondition, unavailable } from "../../../../base/errors.ts";
import type { HookOptions } from "../../../../core/hooks/lifecycle-hooks.ts";
import {
  Event,
  Plugin as PluginService,
  type ValidateContainerAdjustmentRequestSchema,
} from "../../../../gen/nri/pkg/api/v1alpha1/api_pb.js";
import type { Plugin } from "../plugins/plugin.ts";

/** What a plugin that judges adjustments is told. */
export type Judgement = MessageInitShape<typeof ValidateContainerAdjustmentRequestSchema>;

/** All judges at once; the first refusal in their order is the error. One that does not answer refuses. */
export async function judge(
  { plugins }: { readonly plugins: readonly Plugin[] },
  options: HookOptions,
  request: () => Judgement,
): Promise<void> {
  const judges = plugins.filter((plugin) => plugin.listensTo(Event.VALIDATE_CONTAINER_ADJUSTMENT));
  if (judges.length === 0) return;
  const judgement = request();
  const results = await Promise.allSettled(
    judges.map(async (plugin) => {
      const method = PluginService.method.validateContainerAdjustment;
      const answer = await plugin.ask(Event.VALIDATE_CONTAINER_ADJUSTMENT, method, judgement, options);
      if (answer === undefined) throw unavailable(`NRI plugin ${plugin.name} has not said whether it accepts`);
      if (!answer.reject) return;
      throw failedPrecondition(
        `NRI plugin ${plugin.name} rejected the container: ${answer.reason || "no reason given"}`,
      );
    }),
  );
  for (const result of results) if (result.status === "rejected") throw result.reason;
}
