// SPDX-License-Identifier: Apache-2.0
// Gives a container another name.

import { conflict, failedPrecondition, invalidArgument } from "../../base/errors.ts";
import type { Engine } from "./engine.ts";
import { containerEvent } from "./state/container-events.ts";

/** conflict when the name is taken, failed-precondition for a container of a pod. */
export async function renameContainer(
  engine: Engine,
  reference: string,
  { newName, signal }: { readonly newName: string; readonly signal: AbortSignal },
): Promise<void> {
  const name = newName.replace(/^\//, "");
  if (reference === "" || name === "") throw invalidArgument("neither old nor new names may be empty");
  const { id } = engine.registry.get(reference);
  using _held = await engine.locks.acquire(id, { signal });
  const { name: oldName, pod, state } = engine.registry.get(id);
  if (pod !== undefined) {
    throw failedPrecondition(
      `container ${oldName} belongs to a pod and cannot be renamed: its orchestrator finds it by its name`,
    );
  }
  if (state.status === "dead") throw conflict(`container ${oldName} is marked for removal and cannot be renamed`);
  if (name === oldName) throw invalidArgument("renaming a container with the same name as its current name");
  const renamed = await engine.registry.rename(id, name);
  engine.events.publish(containerEvent("rename", renamed, { oldName: `/${oldName}` }));
}
