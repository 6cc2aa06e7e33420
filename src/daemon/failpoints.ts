// SPDX-License-Identifier: Apache-2.0
// Lets a test of the whole daemon make it fail or die at a named place: BERTH_FAILPOINTS="start-container:created=kill".

import { internal } from "../base/errors.ts";
import { armFailpoint, parseFailpoints } from "../base/failpoint.ts";

/** Arms what the text asks for: throw fails the first that comes by, so that what is tried again gets further. */
export function armFailpoints(text: string): void {
  for (const [name, action] of parseFailpoints(text)) {
    const armed = armFailpoint(name, action === "kill" ? die : failOnce);
    function failOnce(): never {
      armed[Symbol.dispose]();
      throw internal(`failpoint ${name}`);
    }
  }
}

/** As a crash would: nothing is cleaned up, and nothing goes on. */
async function die(): Promise<void> {
  process.kill(process.pid, "SIGKILL");
  await new Promise(() => {});
}
