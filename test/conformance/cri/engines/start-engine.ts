// SPDX-License-Identifier: Apache-2.0

import { engineName } from "../settings.ts";
import { ensureContainerd } from "../tools.ts";
import { startBerth } from "./berth.ts";
import { startContainerd } from "./containerd.ts";
import type { Engine, EngineOptions } from "./engine.ts";

/** The engine that was asked for. */
export async function startEngine(options: EngineOptions): Promise<Engine> {
  switch (engineName) {
    case "berth":
      return await startBerth(options);
    case "containerd":
      return await startContainerd(await ensureContainerd(), options);
    default:
      throw new Error(`ENGINE is berth or containerd, not ${engineName}`);
  }
}
