// SPDX-License-Identifier: Apache-2.0
// The processes of a container as ps on the host shows them.

import { conflict, hasCode } from "../../base/errors.ts";
import type { Engine } from "./engine.ts";
import { type ProcessTable, parseProcessTable } from "./process-table.ts";
import { containerEvent } from "./state/container-events.ts";

/** parameters: of ps, -ef when there are none. conflict when the container does not run. */
export async function topContainer(
  engine: Engine,
  reference: string,
  { parameters, signal }: { readonly parameters: readonly string[]; readonly signal: AbortSignal },
): Promise<ProcessTable> {
  const record = engine.registry.get(reference);
  const task = engine.running.get(record.id)?.task;
  if (task === undefined) throw conflict(`container ${record.id} is not running`);
  const pids = await task.pids({ signal }).catch((error: unknown) => {
    throw hasCode(error, "not-found") ? conflict(`container ${record.id} is not running`, error) : error;
  });
  const words = parameters.flatMap((each) => each.split(/\s+/)).filter((word) => word !== "");
  const text = await listed(engine, words.length === 0 ? ["-ef"] : words, pids, signal);
  const table = parseProcessTable(text, pids);
  engine.events.publish(containerEvent("top", record));
  return table;
}

/** Some selections cannot be narrowed to ids: then ps shows what it shows, and ours are picked out of that. */
async function listed(
  engine: Engine,
  parameters: readonly string[],
  pids: readonly number[],
  signal: AbortSignal,
): Promise<string> {
  try {
    return await engine.processes.list([...parameters, "-q", pids.join(",")], { signal });
  } catch (error) {
    if (!hasCode(error, "invalid-argument")) throw error;
    return await engine.processes.list(parameters, { signal });
  }
}
