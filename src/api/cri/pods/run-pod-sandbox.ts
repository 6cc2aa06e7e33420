// SPDX-License-Identifier: Apache-2.0

import { chooseHandler } from "../../../core/pods/choose-handler.ts";
import { runPod } from "../../../core/pods/run-pod.ts";
import type * as cri from "../../../gen/runtime/v1/api_pb.js";
import type { CriRuntime, Waiting } from "../runtime/deps.ts";
import { toPodConfig } from "./pod-config.ts";

export async function runPodSandbox(
  { engine }: CriRuntime,
  { config, runtimeHandler }: cri.RunPodSandboxRequest,
  { signal }: Waiting,
) {
  const wish = { runtimeHandler: runtimeHandler || undefined, annotations: config?.annotations ?? {} };
  const { features } = await chooseHandler(engine, wish, { signal });
  const record = await runPod(engine, await toPodConfig(config, runtimeHandler, { engine, features }), { signal });
  return { podSandboxId: record.id };
}
