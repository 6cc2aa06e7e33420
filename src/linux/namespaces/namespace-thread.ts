// SPDX-License-Identifier: Apache-2.0
// The owner's side of the namespace thread: starts it, numbers the requests, and starts another one when it ended.

import type { Socket } from "node:net";
import { Worker } from "node:worker_threads";
import { assert, EngineError, unavailable } from "../../base/errors.ts";
import { type ConnectRequest, finishConnection } from "./connect.ts";
import type { PinRequest } from "./pin.ts";
import type { InterfacesByPin, NamespaceMessage, NamespaceReply, NamespaceWork } from "./worker.ts";

interface Pending {
  readonly resolve: (reply: NamespaceReply) => void;
  readonly reject: (error: Error) => void;
}

/** A worker thread that makes namespaces and looks into them. Its owner disposes it; the pins stay. */
export class NamespaceThread implements AsyncDisposable {
  readonly #workerUrl: URL;
  readonly #pending = new Map<number, Pending>();
  #worker: Worker | undefined;
  #sequence = 0;

  constructor(workerUrl: URL) {
    this.#workerUrl = workerUrl;
    this.#worker = this.#start();
  }

  /** Makes and pins namespaces; rejects with an EngineError when nothing was made. */
  async pin(request: PinRequest): Promise<void> {
    await this.#ask({ pin: request });
  }

  /** The traffic in pinned network namespaces, by their pins; those that are gone are left out. */
  async readInterfaces(pins: readonly string[]): Promise<InterfacesByPin> {
    const { interfaces } = await this.#ask({ interfacesOf: pins });
    return interfaces ?? new Map();
  }

  /** A connection to a port of a pinned network namespace, at its loopback address. The caller's to end. */
  async connect(request: ConnectRequest, { signal }: { readonly signal: AbortSignal }): Promise<Socket> {
    const { descriptor } = await this.#ask({ connect: request });
    assert(descriptor !== undefined, "a connection has a descriptor");
    return await finishConnection(descriptor, { signal });
  }

  async #ask(work: NamespaceWork): Promise<NamespaceReply> {
    const worker = (this.#worker ??= this.#start());
    const sequence = ++this.#sequence;
    const { promise, resolve, reject } = Promise.withResolvers<NamespaceReply>();
    this.#pending.set(sequence, { resolve, reject });
    worker.ref();
    worker.postMessage({ sequence, work } satisfies NamespaceMessage);
    return await promise;
  }

  #start(): Worker {
    const worker = new Worker(this.#workerUrl, {
      name: "namespaces",
      resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4 },
    });
    worker.unref();
    worker.on("message", (reply: NamespaceReply) => this.#settle(worker, reply));
    worker.on("error", (error) => this.#end(worker, error));
    worker.on("exit", () => this.#end(worker));
    return worker;
  }

  #settle(worker: Worker, reply: NamespaceReply): void {
    const { sequence, error } = reply;
    const pending = this.#pending.get(sequence);
    this.#pending.delete(sequence);
    if (this.#pending.size === 0) worker.unref();
    if (error === undefined) pending?.resolve(reply);
    else pending?.reject(new EngineError(error.code, error.message));
  }

  /** The thread is gone, and with it whatever it was asked. */
  #end(worker: Worker, error?: unknown): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    const waiting = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of waiting) reject(unavailable("the namespace thread ended", error));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker?.terminate();
  }
}
