// SPDX-License-Identifier: Apache-2.0
// The one step of making a task that the shim and its OCI runtime do.

import { create, toBinary } from "@bufbuild/protobuf";
import { failpoint } from "../../../base/failpoint.ts";
import type { RuntimeHandler, TaskRequest } from "../../../core/tasks/task-runtime.ts";
import { OptionsSchema } from "../../../gen/containerd/runc/v1/options_pb.js";
import { findExecutable } from "../../../host/find-executable.ts";
import { type TaskRecord, writeRecord } from "./bundle.ts";
import { withRuntimeLog } from "./errors.ts";
import type { Shim, ShimEnvironment } from "./shim.ts";
import { stdioFields } from "./task.ts";
import { cgroupsOfProcess } from "./task-cgroup.ts";
import { uncancelled } from "./uncancelled.ts";

/** The handler with the absolute path of its OCI runtime, so that a missing one is told before anything is made. */
export function resolveBinary(handler: RuntimeHandler): RuntimeHandler {
  return handler.binary === undefined ? handler : { ...handler, binary: findExecutable(handler.binary) };
}

/** Makes the task of a bundle that is written; its record then says where the runtime put it. */
export async function createInShim(
  { layout, cgroups }: ShimEnvironment,
  shim: Shim,
  { request, record }: { readonly request: TaskRequest; readonly record: TaskRecord },
  { signal }: { readonly signal: AbortSignal },
): Promise<{ readonly pid: number; readonly record: TaskRecord }> {
  const { id, handler } = record;
  const bundle = layout.bundle(id);
  await failpoint("runtime/shim:create");
  const options = create(OptionsSchema, {
    binaryName: handler.binary ?? "",
    root: layout.runtimeRoot(handler),
    systemdCgroup: handler.systemdCgroup,
    ...(request.stdioOwner !== undefined && { ioUid: request.stdioOwner.uid, ioGid: request.stdioOwner.gid }),
  });
  const message = {
    id,
    bundle,
    ...stdioFields(request.stdio),
    options: { typeUrl: OptionsSchema.typeName, value: toBinary(OptionsSchema, options) },
  };
  let pid: number;
  try {
    ({ pid } = await uncancelled(signal, (own) => shim.call(shim.method.create, message, { signal: own })));
  } catch (error) {
    signal.throwIfAborted();
    throw await withRuntimeLog(error, bundle);
  }
  // Where the runtime put init is known for sure now, also with systemd.
  const complete: TaskRecord = { ...record, cgroups: cgroupsOfProcess(cgroups, pid) };
  writeRecord(bundle, "task.json", complete);
  await failpoint("runtime/shim:created");
  return { pid, record: complete };
}
