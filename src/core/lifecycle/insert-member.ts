// SPDX-License-Identifier: Apache-2.0
// The last step of making a container of a pod. What it runs as is decided here, because hooks may change that and the
// orchestrator is to hear now, not at the start, what is wrong with it.

import { failedPrecondition } from "../../base/errors.ts";
import { failpoint } from "../../base/failpoint.ts";
import { cleanup } from "../../base/lifetime.ts";
import type { RuntimeSpec } from "../../oci/runtime/spec.ts";
import type { ContainerRecord } from "../containers/container.ts";
import type { ContainerConfig } from "../containers/container-config.ts";
import { adoptLimits } from "../containers/spec/adopt-limits.ts";
import { type PodRecord, type SandboxRecord, sandboxTable } from "../sandboxes/sandbox.ts";
import type { UsableHandler } from "../tasks/handler-table.ts";
import type { Engine } from "./engine.ts";
import { containerSpec } from "./prepare/container-spec.ts";
import { prepareRootfs, unmountRootfs } from "./prepare/prepare-rootfs.ts";
import { podSharedMemory } from "./prepare/shared-memory.ts";
import { containerView, podView } from "./state/hook-views.ts";

interface MemberOf {
  readonly pod: PodRecord;
  readonly usable: UsableHandler;
}

/** Leaves nothing when it fails; failed-precondition when the pod was stopped meanwhile. */
export async function insertMember(
  engine: Engine,
  draft: ContainerRecord,
  { pod, usable }: MemberOf,
  { signal }: { readonly signal: AbortSignal },
): Promise<ContainerRecord> {
  using hooks = engine.hooks.enter();
  await using undo = new AsyncDisposableStack();
  undo.defer(async () => await cleanup(async () => await unmountRootfs(engine, draft.id)));
  const built = await specOf(engine, draft, { pod, usable });
  await failpoint("create-container:spec");
  const podSeen = podView(engine, pod);
  const adjusted = await hooks.createContainer(
    podSeen,
    { ...containerView(engine, draft, { spec: built }), spec: built },
    { signal },
  );
  undo.defer(
    async () =>
      await cleanup(async (fresh) => {
        await hooks.removeContainer(podSeen, containerView(engine, draft, { spec: built }), { signal: fresh });
      }),
  );
  const spec = await engine.cdi.inject(adjusted.spec, [...(draft.config.cdiDevices ?? []), ...adjusted.cdiDevices], {
    signal,
  });
  await failpoint("create-container:hooked");
  const record = await engine.registry.insert(
    { ...draft, process: spec.process, config: withLimitsOf(draft.config, { built, spec }) },
    {
      spec,
      check: (reader) => checkReady(reader.find(sandboxTable, pod.id)),
    },
  );
  undo.move();
  await hooks.postCreateContainer(podSeen, containerView(engine, record, { spec }), { signal });
  return record;
}

/** Says the limits that it has, which hooks may have changed. */
function withLimitsOf(
  config: ContainerConfig,
  { built, spec }: { readonly built: RuntimeSpec; readonly spec: RuntimeSpec },
): ContainerConfig {
  const resources = { built: built.linux.resources ?? {}, adjusted: spec.linux.resources ?? {} };
  return { ...config, resources: adoptLimits(config.resources, resources) };
}

async function specOf(engine: Engine, draft: ContainerRecord, { pod, usable }: MemberOf): Promise<RuntimeSpec> {
  const user = await prepareRootfs(engine, draft);
  return await containerSpec(engine, {
    record: draft,
    usable,
    sandbox: { record: pod, files: engine.sandboxes.filePaths(pod.id) },
    user,
    sharedMemory: podSharedMemory(engine, pod),
  });
}

function checkReady(record: SandboxRecord | undefined): void {
  if (record?.status === "ready" && record.pod?.phase === "started") return;
  throw failedPrecondition("the pod sandbox was stopped while a container was being created in it");
}
