// SPDX-License-Identifier: Apache-2.0
// What is particular about a container whose sandbox is a pod: it is told to hooks, and the pod must be ready for it.

import { failedPrecondition, notFound } from "../../base/errors.ts";
import type { SandboxId } from "../../base/ids.ts";
import { cleanup } from "../../base/lifetime.ts";
import type { RuntimeSpec } from "../../oci/runtime/spec.ts";
import type { ContainerRecord } from "../containers/container.ts";
import type { HookScope } from "../hooks/lifecycle-hooks.ts";
import type { PodRecord, SandboxRecord } from "../sandboxes/sandbox.ts";
import type { Engine } from "./engine.ts";
import { containerView, podView } from "./state/hook-views.ts";

/** The pod, whatever its state; not-found when there is none of this id, or it is not to be seen (yet, or any more). */
export function visiblePod(engine: Pick<Engine, "sandboxes">, id: string): PodRecord {
  const record = engine.sandboxes.find(id as SandboxId);
  if (!isVisiblePod(record)) throw notFound("sandbox", id);
  return record;
}

export function isVisiblePod(record: SandboxRecord | undefined): record is PodRecord {
  return record?.pod?.phase === "started";
}

/** The pod when containers can be made and started in it; failed-precondition otherwise. */
export function readyPod(engine: Pick<Engine, "sandboxes">, id: SandboxId): PodRecord {
  const record = visiblePod(engine, id);
  if (record.status !== "ready") {
    throw failedPrecondition(`the pod sandbox ${id} is not running: nothing can be created or started in it`);
  }
  return record;
}

/** The hooks of a start: dispose it when the start is recorded or undone. */
export interface StartHooks extends Disposable {
  before(options: { readonly pid: number; readonly signal: AbortSignal }): Promise<void>;
  after(options: { readonly signal: AbortSignal }): Promise<void>;
  /** It does not run, though nobody refused it. */
  failed(): Promise<void>;
}

export function enterStart(engine: Engine, record: ContainerRecord, spec: RuntimeSpec): StartHooks {
  const pod = podView(engine, visiblePod(engine, record.sandboxId));
  const scope = engine.hooks.enter();
  return {
    before: async ({ pid, signal }) =>
      await scope.startContainer(pod, { ...containerView(engine, record, { spec }), pid }, { signal }),
    after: async ({ signal }) => {
      const running = engine.registry.find(record.id) ?? record;
      await scope.postStartContainer(pod, containerView(engine, running, { spec }), { signal });
    },
    failed: async () =>
      await cleanup(async (signal) => {
        await scope.stopContainer(pod, containerView(engine, record, { spec }), { signal });
      }),
    [Symbol.dispose]: () => scope[Symbol.dispose](),
  };
}

/** Tells of an exit that is recorded. */
export async function tellExit(engine: Engine, exited: ContainerRecord, signal: AbortSignal): Promise<void> {
  await inScope(engine, exited, async (scope, pod) => {
    await scope.stopContainer(pod, containerView(engine, exited), { signal });
  });
}

/** Tells of the end of a container, and then forgets it. */
export async function unregisterMember(engine: Engine, record: ContainerRecord): Promise<void> {
  using scope = engine.hooks.enter();
  const pod = engine.sandboxes.find(record.sandboxId);
  if (pod?.pod !== undefined) {
    const view = podView(engine, pod as PodRecord);
    await cleanup(async (signal) => await scope.removeContainer(view, containerView(engine, record), { signal }));
  }
  await engine.registry.remove(record.id);
}

async function inScope(
  engine: Engine,
  record: ContainerRecord,
  work: (scope: HookScope, pod: ReturnType<typeof podView>) => Promise<void>,
): Promise<void> {
  const pod = engine.sandboxes.find(record.sandboxId);
  if (pod?.pod === undefined) return;
  using scope = engine.hooks.enter();
  await work(scope, podView(engine, pod as PodRecord));
}
