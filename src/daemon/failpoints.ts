// SPDX-License-Identifier: Apache-2.0
// Lets a test of the whole daemon make it fail or die at a named place: BERTH_FAILPOINTS="start-container:created=kill".

import { armFailpoint, parseFailpoints } from "../base/failpoint.ts";

/** Arms what the text asks for, for as long as the process lives. */
export function armFailpoints(text: string): void {
  for (const [name, action] of parseFailpoints(text)) {
    armFailpoint(name, action === "throw" ? undefined : die);
  }
}

/** As a crash would: nothing is cleaned up, and nothing goes on. */
async function die(): Promise<void> {
  process.kill(process.pid, "SIGKILL");
  await new Promise(() => {});
}
