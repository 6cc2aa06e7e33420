// SPDX-License-Identifier: Apache-2.0

import type { Engine } from "../lifecycle/engine.ts";
import type { PodRecord } from "../sandboxes/sandbox.ts";
import { podEvent } from "./pod-events.ts";

/** The record as the kernel bears it out: a pod whose namespaces somebody took away is not ready any more. */
export async function verifyPod(engine: Engine, record: PodRecord): Promise<PodRecord> {
  if (record.status !== "ready" || (await engine.sandboxes.isWhole(record))) return record;
  const now = engine.sandboxes.find(record.id);
  // It may have been stopped meanwhile, which takes its namespaces away.
  if (now?.pod === undefined || now.status !== "ready") return record;
  engine.logger.warn({ sandboxId: record.id }, "the namespaces of a pod are gone: it is not ready any more");
  const updated = (await engine.sandboxes.update(record.id, { status: "not-ready" })) as PodRecord;
  engine.events.publish(podEvent("stop", updated));
  return updated;
}
