// SPDX-License-Identifier: Apache-2.0
// The worker thread's side: does the file system work of the snapshotter, which blocks its thread.

import type { MessagePort } from "node:worker_threads";
import { cancelled, codeOf, messageOf } from "../../../../base/errors.ts";
import { closeDescriptor } from "../../../../linux/ffi/libc.ts";
import { listChanges } from "../pack/list-changes.ts";
import { writeDiff } from "../pack/write-diff.ts";
import { applyLayer, syncDirectory } from "../unpack/apply-layer.ts";
import { openDirectory } from "../unpack/lower-layers.ts";
import { measureTree } from "../unpack/measure-tree.ts";
import { removeTree } from "../unpack/remove-tree.ts";
import type { WorkerJob, WorkerReply, WorkerRequest, WorkerResult } from "./protocol.ts";

/** Serves requests from the port for as long as the thread lives. */
export function runOverlayWorker(port: MessagePort): void {
  const running = new Map<number, AbortController>();
  const reply = (message: WorkerReply) => port.postMessage(message);
  const serve = async (id: number, job: WorkerJob) => {
    const controller = new AbortController();
    running.set(id, controller);
    try {
      const onProgress = (progress: number) => reply({ id, progress });
      reply({ id, result: await runJob(job, { signal: controller.signal, onProgress }) });
    } catch (error) {
      reply({ id, failure: { code: codeOf(error), message: messageOf(error) } });
    } finally {
      running.delete(id);
    }
  };
  port.on("message", (request: WorkerRequest) => {
    if ("job" in request)
      void serve(request.id, request.job); // never rejects: a failure is a reply
    else running.get(request.id)?.abort(cancelled());
  });
}

interface JobOptions {
  readonly signal: AbortSignal;
  readonly onProgress: (bytes: number) => void;
}

async function runJob(job: WorkerJob, options: JobOptions): Promise<WorkerResult> {
  switch (job.kind) {
    case "apply":
      return await applyLayer(job, options);
    case "measure":
      return measureTree(job.directory);
    case "seal":
      syncDirectory(job.directory);
      return measureTree(job.directory);
    case "diff":
      writeDiff(job.directory, job.file, { ...options, omit: job.omit });
      return { bytes: 0, inodes: 0 };
    case "changes":
      return listChanges(job.directory, job.lower, options);
    case "remove": {
      const parent = openDirectory(job.parent);
      try {
        removeTree(parent, Buffer.from(job.name).toString("latin1"));
      } finally {
        closeDescriptor(parent);
      }
      return { bytes: 0, inodes: 0 };
    }
  }
}
