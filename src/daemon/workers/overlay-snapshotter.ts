// SPDX-License-Identifier: Apache-2.0
// Worker entry: unpacks, measures and removes the snapshots of snapshot/overlay.

import assert from "node:assert/strict";
import { parentPort } from "node:worker_threads";
import { runOverlayWorker } from "../../drivers/snapshot/overlay/worker/run-worker.ts";

assert(parentPort !== null, "this module is the entry of a worker thread");
runOverlayWorker(parentPort);
