// SPDX-License-Identifier: Apache-2.0

import { conflict, notFound } from "../../../base/errors.ts";
import type { Engine } from "../engine.ts";

/** Sets the size of the terminal of a running container, or of one of its execs. */
export async function resizeTerminal(
  engine: Engine,
  reference: string,
  {
    execId,
    width,
    height,
    signal,
  }: { readonly execId: string; readonly width: number; readonly height: number; readonly signal: AbortSignal },
): Promise<void> {
  const record = engine.registry.get(reference);
  const running = engine.running.get(record.id);
  if (running === undefined) throw conflict(`cannot resize the terminal: container ${record.id} is not running`);
  const process = execId === "" ? running.task : running.execs.get(execId)?.process;
  if (process === undefined) throw notFound("exec", execId);
  await process.resize({ width, height }, { signal });
}
