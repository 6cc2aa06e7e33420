// SPDX-License-Identifier: Apache-2.0
// The entry of the worker thread that makes namespaces.

import { parentPort } from "node:worker_threads";
import { serveNamespaces } from "../../linux/namespaces/worker.ts";

if (parentPort === null) throw new Error("this program is a worker thread's entry");
serveNamespaces(parentPort);
