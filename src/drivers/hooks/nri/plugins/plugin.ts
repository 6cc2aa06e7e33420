// SPDX-License-Identifier: Apache-2.0
// A plugin that has registered and is configured. It is asked one thing at a time, in the order of asking; whoever holds
// its turn lets the others wait. A plugin that breaks its connection or does not answer in time is closed, and calls of
// one that is closed have no answer; any other error of a plugin is the caller's.

import type { DescMessage, DescMethodUnary, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { codeOf, EngineError, hasCode, messageOf } from "../../../../base/errors.ts";
import { KeyedLock } from "../../../../base/keyed-lock.ts";
import type { Logger } from "../../../../base/log.ts";
import {
  type ContainerUpdate,
  type Event,
  Plugin as PluginService,
} from "../../../../gen/nri/pkg/api/v1alpha1/api_pb.js";
import type { TtrpcClient } from "../../../../host/ttrpc/client.ts";
import { type Notice, notices, type Subscription } from "./events.ts";
import { type Inventory, splitInventory } from "./split-inventory.ts";

/** What a notice is about. */
export type Subject = MessageInitShape<typeof PluginService.method.stateChange.input>;

export interface PluginParts {
  /** Its index and name, which is how it is known. */
  readonly name: string;
  readonly index: string;
  readonly base: string;
  readonly subscription: Subscription;
  readonly client: TtrpcClient;
  readonly requestTimeoutMs: number;
  readonly logger: Logger;
  /** Ends its connection. */
  readonly disconnect: () => void;
  /** Its connection, its program; disposed with it. */
  readonly resources: AsyncDisposable;
}

export interface CallOptions {
  readonly signal: AbortSignal;
  /** Instead of the usual one. */
  readonly timeoutMs?: number;
}

/** Whoever connects it disposes it. */
export class Plugin implements AsyncDisposable {
  readonly #parts: PluginParts;
  readonly #turns = new KeyedLock();
  /** Notices that it knows as state changes only, for it is older than they are. */
  readonly #stateChanges = new Set<Notice>();
  #closed = false;

  constructor(parts: PluginParts) {
    this.#parts = parts;
  }

  get name(): string {
    return this.#parts.name;
  }

  get index(): string {
    return this.#parts.index;
  }

  get base(): string {
    return this.#parts.base;
  }

  get closed(): boolean {
    return this.#closed || this.#parts.client.ended;
  }

  /** Resolves when its connection has ended, whoever ended it. */
  get ended(): Promise<void> {
    return this.#parts.client.closed;
  }

  listensTo(event: Event): boolean {
    return !this.closed && this.#parts.subscription.includes(event);
  }

  /** Its turn: whoever calls it waits until the result is disposed. Asked for when called, not when awaited. */
  hold(options: { readonly signal: AbortSignal }): Promise<Disposable> {
    return this.#turns.acquire("", options);
  }

  /** Its answer; undefined when it does not listen to the event, has gone, or goes over this call. */
  async ask<I extends DescMessage, O extends DescMessage>(
    event: Event,
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    options: CallOptions,
  ): Promise<MessageShape<O> | undefined> {
    if (!this.listensTo(event)) return undefined;
    using _turn = await this.hold(options);
    return await this.#call(method, request, options);
  }

  /** Tells it something; a plugin that is older than the call is told by StateChange. */
  async tell(notice: Notice, subject: Subject, options: CallOptions): Promise<void> {
    const event = notices[notice];
    if (!this.listensTo(event)) return;
    using _turn = await this.hold(options);
    if (!this.#stateChanges.has(notice)) {
      try {
        await this.#call(PluginService.method[notice] as DescMethodUnary, subject, options);
        return;
      } catch (error) {
        if (!hasCode(error, "not-implemented")) throw error;
        this.#stateChanges.add(notice);
      }
    }
    await this.#call(PluginService.method.stateChange, { ...subject, event }, options);
  }

  /** Gives it all pods and containers; the caller holds its turn. The result is what it wants changed. */
  async synchronize(inventory: Inventory, options: CallOptions): Promise<readonly ContainerUpdate[]> {
    for (const part of splitInventory(inventory)) {
      const answer = await this.#call(PluginService.method.synchronize, part, options);
      if (answer === undefined) throw new EngineError("unavailable", `NRI plugin ${this.name} has gone`);
      if (!part.more) return answer.update;
      if (answer.update.length > 0 || !answer.more) {
        throw new EngineError("failed-precondition", `NRI plugin ${this.name} cannot be synchronized in several steps`);
      }
    }
    return [];
  }

  /** Says that the engine goes; a plugin that does not care is not waited for. */
  async shutDown(): Promise<void> {
    try {
      await this.#call(PluginService.method.shutdown, {}, { signal: new AbortController().signal });
    } catch (error) {
      this.#parts.logger.debug({ plugin: this.name, error: messageOf(error) }, "an NRI plugin minds the shutdown");
    }
  }

  async #call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    { signal, timeoutMs = this.#parts.requestTimeoutMs }: CallOptions,
  ): Promise<MessageShape<O> | undefined> {
    if (this.closed) return undefined;
    try {
      return await this.#parts.client.call(method, request, { signal, timeoutMs });
    } catch (error) {
      signal.throwIfAborted();
      if (this.#parts.client.ended || hasCode(error, "deadline-exceeded")) {
        const fields = { plugin: this.name, call: method.name, error: messageOf(error) };
        this.#parts.logger.error(fields, "closing an NRI plugin that did not answer");
        this.close();
        return undefined;
      }
      throw new EngineError(codeOf(error), `NRI plugin ${this.name} failed ${method.name}: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }

  /** It is asked nothing more; what it holds goes when it is disposed. */
  close(): void {
    this.#closed = true;
    this.#parts.disconnect();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.#parts.resources[Symbol.asyncDispose]();
  }
}
