// SPDX-License-Identifier: Apache-2.0
// The two versions of the shims' Task service as one.

import { Task as TaskV2 } from "../../../gen/containerd/task/v2/task_pb.js";
import { Task as TaskV3 } from "../../../gen/containerd/task/v3/task_pb.js";

export type TaskMethods = typeof TaskV2.method;

/** The methods of the Task service under the names that a shim of this version knows. */
export function taskMethods(version: 2 | 3): TaskMethods {
  // Version 3 is version 2 under another name: same methods, same fields (a test of host/ttrpc holds them together).
  return version === 3 ? (TaskV3.method as unknown as TaskMethods) : TaskV2.method;
}
