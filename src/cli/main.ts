// SPDX-License-Identifier: Apache-2.0
// The berth command's program, as it runs from the sources; snapshot.ts is how it is installed.

import { runProcess } from "./run-process.ts";

await runProcess();
