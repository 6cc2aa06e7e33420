// SPDX-License-Identifier: Apache-2.0
// The table of runtime handlers: named ways to run, from the configuration. What a handler can do here is found out by
// trying it when somebody asks, until it has worked once.

import { EngineError, messageOf, notFound } from "../../base/errors.ts";
import { deadlineSignal, raceSignal } from "../../base/lifetime.ts";
import type { RuntimeFeatures, RuntimeHandler, TaskRuntime } from "./task-runtime.ts";

/** How long a trial may take. */
const probeDeadlineMs = 30_000;
/** How long a report repeats a failure instead of trying again: a kubelet asks every few seconds. */
const failureLifetimeMs = 60_000;

/** A handler that works here, with the driver that runs it. */
export interface UsableHandler {
  readonly handler: RuntimeHandler;
  readonly runtime: TaskRuntime;
  readonly features: RuntimeFeatures;
}

/** A handler as `berth info` shows it. */
export interface HandlerReport {
  readonly name: string;
  readonly features?: RuntimeFeatures;
  /** Why it cannot run here. */
  readonly problem?: string;
}

/** The runtime handlers of the configuration: each is tried when it is first wanted, until it works. */
export class HandlerTable {
  readonly #handlers: readonly RuntimeHandler[];
  readonly #runtimes: Readonly<Record<string, TaskRuntime>>;
  readonly #defaultName: string | undefined;
  readonly #probes = new Map<string, Promise<UsableHandler>>();
  readonly #failures = new Map<string, { readonly problem: string; readonly until: number }>();
  /** What the default turned out to be: it stays the same while the daemon runs. */
  #firstUsable: UsableHandler | undefined;

  /** handlers: in the order in which they are tried for the default; defaultName: no trying, this one. */
  constructor(deps: {
    readonly handlers: readonly RuntimeHandler[];
    readonly runtimes: Readonly<Record<string, TaskRuntime>>;
    readonly defaultName?: string;
  }) {
    this.#handlers = deps.handlers;
    this.#runtimes = deps.runtimes;
    this.#defaultName = deps.defaultName;
  }

  /** The named handler, or the default; not-found when unknown, failed-precondition when it cannot run here. */
  async use(name: string | undefined, { signal }: { readonly signal: AbortSignal }): Promise<UsableHandler> {
    const wanted = name ?? this.#defaultName;
    if (wanted !== undefined) return await this.#probe(this.#get(wanted), signal);
    this.#firstUsable ??= await this.#findFirstUsable(signal);
    return this.#firstUsable;
  }

  /** In the order of the configuration. */
  async #findFirstUsable(signal: AbortSignal): Promise<UsableHandler> {
    const problems: string[] = [];
    for (const handler of this.#handlers) {
      try {
        return await this.#probe(handler, signal);
      } catch (error) {
        signal.throwIfAborted();
        problems.push(`${handler.name}: ${messageOf(error)}`);
      }
    }
    throw new EngineError("failed-precondition", `no runtime handler can run here (${problems.join("; ")})`);
  }

  has(name: string): boolean {
    return this.#handlers.some((candidate) => candidate.name === name);
  }

  /**
   * The driver of a handler, without trying whether it works now; for one that has gone from the configuration, while
   * tasks of it are still there, the first driver.
   */
  runtime(name: string): TaskRuntime {
    const [first] = this.runtimes();
    if (!this.has(name) && first !== undefined) return first;
    return this.#runtimeOf(this.#get(name));
  }

  runtimes(): readonly TaskRuntime[] {
    return Object.values(this.#runtimes);
  }

  async report({ signal }: { readonly signal: AbortSignal }): Promise<readonly HandlerReport[]> {
    return await Promise.all(
      this.#handlers.map(async (handler): Promise<HandlerReport> => {
        const known = this.#failures.get(handler.name);
        if (known !== undefined && performance.now() < known.until)
          return { name: handler.name, problem: known.problem };
        try {
          return { name: handler.name, features: (await this.#probe(handler, signal)).features };
        } catch (error) {
          signal.throwIfAborted();
          return { name: handler.name, problem: messageOf(error) };
        }
      }),
    );
  }

  #get(name: string): RuntimeHandler {
    const handler = this.#handlers.find((candidate) => candidate.name === name);
    if (handler === undefined) throw notFound("runtime handler", name);
    return handler;
  }

  #runtimeOf(handler: RuntimeHandler): TaskRuntime {
    const runtime = this.#runtimes[handler.driver];
    if (runtime === undefined) {
      throw new EngineError("failed-precondition", `runtime handler ${handler.name}: no driver ${handler.driver}`);
    }
    return runtime;
  }

  /** One trial for all who ask at the same time: it does not end with the one who asked first. */
  async #probe(handler: RuntimeHandler, signal: AbortSignal): Promise<UsableHandler> {
    let probe = this.#probes.get(handler.name);
    if (probe === undefined) {
      const runtime = this.#runtimeOf(handler);
      const own = deadlineSignal(probeDeadlineMs, `trying runtime handler ${handler.name}`);
      probe = runtime.probe(handler, { signal: own }).then((features) => ({ handler, runtime, features }));
      this.#probes.set(handler.name, probe);
      // Whoever wants to use it tries again: what was missing may have been installed.
      probe.catch((error: unknown) => {
        this.#probes.delete(handler.name);
        this.#failures.set(handler.name, { problem: messageOf(error), until: performance.now() + failureLifetimeMs });
      });
    }
    return await raceSignal(probe, signal);
  }
}
