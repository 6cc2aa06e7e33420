// SPDX-License-Identifier: Apache-2.0
// One step of the engine's, and the plugins that were there when it began: those take part in it and no others.

import { cleanup, raceSignal, type TaskGroup } from "../../../base/lifetime.ts";
import type { ContainerView, PodView } from "../../../core/hooks/hook-views.ts";
import type {
  HookedContainer,
  HookedView,
  HookOptions,
  HookScope,
  PodResourcesRequest,
} from "../../../core/hooks/lifecycle-hooks.ts";
import { Event, Plugin as PluginService } from "../../../gen/nri/pkg/api/v1alpha1/api_pb.js";
import type { RuntimeResources } from "../../../oci/runtime/spec.ts";
import type { LifecycleStates } from "./lifecycle-states.ts";
import { containerToNri } from "./messages/container.ts";
import { podToNri } from "./messages/pod.ts";
import { resourcesToNri } from "./messages/resources.ts";
import { relayCreateContainer } from "./requests/create-container.ts";
import { type Relay, tellAll, tellOrFail } from "./requests/relay.ts";
import { relayStopContainer, relayUpdateContainer } from "./requests/update-container.ts";
import type { DefaultValidator } from "./validation/default-validator.ts";

export interface ScopeParts extends Relay {
  /** In the order of entering. */
  readonly step: number;
  readonly states: LifecycleStates;
  readonly validator: DefaultValidator | undefined;
  /** What is told to the end, whoever waits. */
  readonly background: TaskGroup;
  readonly onEnd: (scope: Scope) => void;
}

export class Scope implements HookScope {
  /** Resolves when it is disposed. */
  readonly ended: Promise<void>;
  readonly #parts: ScopeParts;
  readonly #removed: string[] = [];
  #hasEnded = false;
  readonly #end: () => void;

  constructor(parts: ScopeParts) {
    this.#parts = parts;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    this.#end = resolve;
  }

  async runPodSandbox(pod: PodView, options: HookOptions): Promise<void> {
    using _turn = await this.#turn(pod, options);
    this.#parts.states.begin(pod.id);
    try {
      await tellOrFail(this.#parts, "runPodSandbox", podSubject(pod), options);
    } catch (error) {
      await cleanup(async (signal) => await this.#removePod(pod, { signal }));
      throw error;
    }
  }

  async updatePodSandbox(pod: PodView, request: PodResourcesRequest, options: HookOptions): Promise<void> {
    using _turn = await this.#turn(pod, options);
    const { overhead, resources } = request;
    const message = {
      pod: podToNri(pod),
      ...(overhead !== undefined && { overheadLinuxResources: resourcesToNri(overhead) }),
      ...(resources !== undefined && { linuxResources: resourcesToNri(resources) }),
    };
    for (const plugin of this.#parts.plugins) {
      await plugin.ask(Event.UPDATE_POD_SANDBOX, PluginService.method.updatePodSandbox, message, options);
    }
  }

  async postUpdatePodSandbox(pod: PodView, options: HookOptions): Promise<void> {
    await this.#surely(
      pod,
      options,
      async (own) => await tellAll(this.#parts, "postUpdatePodSandbox", podSubject(pod), own),
    );
  }

  async stopPodSandbox(pod: PodView, options: HookOptions): Promise<void> {
    await this.#surely(pod, options, async (own) => await this.#stopPod(pod, own));
  }

  async removePodSandbox(pod: PodView, options: HookOptions): Promise<void> {
    await this.#surely(pod, options, async (own) => await this.#removePod(pod, own));
  }

  async createContainer(pod: PodView, container: HookedView, options: HookOptions): Promise<HookedContainer> {
    using _turn = await this.#turn(container, options);
    this.#parts.states.begin(container.id);
    try {
      return await relayCreateContainer(this.#parts, { pod, container }, options);
    } catch (error) {
      await cleanup(async (signal) => await this.#removeContainer(pod, container, { signal }));
      throw error;
    }
  }

  async postCreateContainer(pod: PodView, container: ContainerView, options: HookOptions): Promise<void> {
    await this.#surely(
      container,
      options,
      async (own) => await tellAll(this.#parts, "postCreateContainer", subject(pod, container), own),
    );
  }

  async startContainer(pod: PodView, container: ContainerView, options: HookOptions): Promise<void> {
    using _turn = await this.#turn(container, options);
    this.#parts.states.begin(container.id);
    try {
      await tellOrFail(this.#parts, "startContainer", subject(pod, container), options);
    } catch (error) {
      await cleanup(async (signal) => await this.#stopContainer(pod, container, { signal }));
      throw error;
    }
  }

  async postStartContainer(pod: PodView, container: ContainerView, options: HookOptions): Promise<void> {
    await this.#surely(
      container,
      options,
      async (own) => await tellAll(this.#parts, "postStartContainer", subject(pod, container), own),
    );
  }

  async updateContainer(
    pod: PodView,
    container: ContainerView,
    resources: RuntimeResources,
    options: HookOptions,
  ): Promise<RuntimeResources> {
    using _turn = await this.#turn(container, options);
    return await relayUpdateContainer(this.#parts, { pod, container, resources }, options);
  }

  async postUpdateContainer(pod: PodView, container: ContainerView, options: HookOptions): Promise<void> {
    await this.#surely(
      container,
      options,
      async (own) => await tellAll(this.#parts, "postUpdateContainer", subject(pod, container), own),
    );
  }

  async stopContainer(pod: PodView, container: ContainerView, options: HookOptions): Promise<void> {
    await this.#surely(container, options, async (own) => await this.#stopContainer(pod, container, own));
  }

  async removeContainer(pod: PodView, container: ContainerView, options: HookOptions): Promise<void> {
    await this.#surely(container, options, async (own) => await this.#removeContainer(pod, container, own));
  }

  [Symbol.dispose](): void {
    this.#hasEnded = true;
    for (const id of this.#removed) this.#parts.states.forget(id);
    this.#parts.onEnd(this);
    this.#end();
  }

  /** Done to the end in its turn, also when whoever asked for it does not wait any more. */
  async #surely(
    { id }: { readonly id: string },
    { signal }: HookOptions,
    work: (own: HookOptions) => Promise<void>,
  ): Promise<void> {
    const { promise: told, resolve } = Promise.withResolvers<void>();
    this.#parts.background.run(`tell of ${id}`, async (own) => {
      try {
        using _turn = await this.#parts.states.turns.acquire(id, { signal: own });
        await work({ signal: own });
      } finally {
        resolve();
      }
    });
    // Its own failures go to the log: what is left is the abort, which is for the operation to notice.
    await raceSignal(told, signal).catch(() => {});
  }

  async #turn({ id }: { readonly id: string }, options: HookOptions): Promise<Disposable> {
    return await this.#parts.states.turns.acquire(id, options);
  }

  async #remove({ id }: { readonly id: string }, tell: () => Promise<void>): Promise<void> {
    if (!this.#parts.states.remove(id)) return;
    this.#removed.push(id);
    await tell();
    if (this.#hasEnded) this.#parts.states.forget(id);
  }

  async #stopPod(pod: PodView, options: HookOptions): Promise<void> {
    if (this.#parts.states.stop(pod.id, this.#parts.step))
      await tellAll(this.#parts, "stopPodSandbox", podSubject(pod), options);
  }

  async #removePod(pod: PodView, options: HookOptions): Promise<void> {
    await this.#stopPod(pod, options);
    await this.#remove(pod, async () => await tellAll(this.#parts, "removePodSandbox", podSubject(pod), options));
  }

  async #stopContainer(pod: PodView, container: ContainerView, options: HookOptions): Promise<void> {
    if (this.#parts.states.stop(container.id, this.#parts.step))
      await relayStopContainer(this.#parts, { pod, container }, options);
  }

  async #removeContainer(pod: PodView, container: ContainerView, options: HookOptions): Promise<void> {
    await this.#stopContainer(pod, container, options);
    const tell = async () => await tellAll(this.#parts, "removeContainer", subject(pod, container), options);
    await this.#remove(container, tell);
  }
}

/** Made only when somebody listens. */
function podSubject(pod: PodView) {
  return () => ({ pod: podToNri(pod) });
}

function subject(pod: PodView, container: ContainerView) {
  return () => ({ pod: podToNri(pod), container: containerToNri(container) });
}
