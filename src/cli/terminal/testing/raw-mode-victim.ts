// SPDX-License-Identifier: Apache-2.0
// A process that makes its terminal raw and then ends in the way its argument says, for terminal.test.ts.

import process from "node:process";
import { setTimeout } from "node:timers/promises";
import { enterRawMode } from "../terminal.ts";

const [ending] = process.argv.slice(2);
const raw = enterRawMode();
process.stdout.write(`raw=${process.stdin.isRaw}\n`);
if (ending === "dispose") raw[Symbol.dispose]();
else if (ending === "exit") process.exit(3);
else if (ending === "throw") throw new Error("deliberate");
else {
  process.kill(process.pid, ending);
  // The signal arrives while this waits.
  await setTimeout(10_000);
}
