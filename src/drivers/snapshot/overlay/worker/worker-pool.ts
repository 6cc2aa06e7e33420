// SPDX-License-Identifier: Apache-2.0
// The main thread's side: a few worker threads, started when there is work for them. They do not keep the process alive
// while they are idle.

import { Worker } from "node:worker_threads";
import { EngineError, internal } from "../../../../base/errors.ts";
import type { WorkerJob, WorkerReply, WorkerRequest, WorkerResult } from "./protocol.ts";

interface PendingJob {
  readonly resolve: (result: WorkerResult) => void;
  readonly reject: (error: Error) => void;
  readonly onProgress: ((bytes: number) => void) | undefined;
}

interface PoolMember {
  readonly worker: Worker;
  readonly pending: Map<number, PendingJob>;
}

/** Owned by the snapshotter; disposing ends the threads, and what they were doing fails. */
export class WorkerPool implements AsyncDisposable {
  readonly #url: URL;
  readonly #size: number;
  readonly #members: PoolMember[] = [];
  #nextId = 1;

  constructor(url: URL, size = 2) {
    this.#url = url;
    this.#size = size;
  }

  /** Runs the job on the least busy thread. Resolves or rejects only when the worker has stopped touching the files. */
  async run<J extends WorkerJob>(
    job: J,
    options: { readonly signal?: AbortSignal; readonly onProgress?: (bytes: number) => void } = {},
  ): Promise<WorkerResult<J>> {
    const { signal } = options;
    signal?.throwIfAborted();
    const member = this.#choose();
    const id = this.#nextId++;
    const cancel = () => post(member, { id, cancel: true });
    signal?.addEventListener("abort", cancel, { once: true });
    try {
      const result = await new Promise<WorkerResult>((resolve, reject) => {
        member.pending.set(id, { resolve, reject, onProgress: options.onProgress });
        member.worker.ref();
        post(member, { id, job });
      });
      return result as WorkerResult<J>; // the worker answers by the kind of the job
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    } finally {
      signal?.removeEventListener("abort", cancel);
      member.pending.delete(id);
      if (member.pending.size === 0) member.worker.unref();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#members.map(({ worker }) => worker.terminate()));
  }

  #choose(): PoolMember {
    const idle = this.#members.find((member) => member.pending.size === 0);
    if (idle !== undefined) return idle;
    if (this.#members.length < this.#size) return this.#start();
    return this.#members.reduce((best, member) => (member.pending.size < best.pending.size ? member : best));
  }

  #start(): PoolMember {
    const member: PoolMember = { worker: new Worker(this.#url), pending: new Map() };
    member.worker.on("message", (reply: WorkerReply) => onReply(member, reply));
    member.worker.on("error", (error) => this.#lost(member, internal("the unpacking thread failed", error)));
    member.worker.on("exit", () => this.#lost(member, internal("the unpacking thread ended")));
    member.worker.unref();
    this.#members.push(member);
    return member;
  }

  #lost(member: PoolMember, error: Error): void {
    const index = this.#members.indexOf(member);
    if (index >= 0) this.#members.splice(index, 1);
    for (const job of member.pending.values()) job.reject(error);
  }
}

function post(member: PoolMember, request: WorkerRequest): void {
  member.worker.postMessage(request);
}

function onReply(member: PoolMember, reply: WorkerReply): void {
  const job = member.pending.get(reply.id);
  if (job === undefined) return; // lost with its thread
  if ("progress" in reply) job.onProgress?.(reply.progress);
  else if ("result" in reply) job.resolve(reply.result);
  else job.reject(new EngineError(reply.failure.code, reply.failure.message));
}
