// SPDX-License-Identifier: Apache-2.0
// Hooks into the life of pods and containers: others may watch, change what is created, and refuse it. NRI is one driver.
//
// Every call is made in a scope. A scope covers the step that makes an object appear, change or go: it is entered before
// the hook is called and disposed after the result is recorded and shows in lists, or after a failure is undone. Keep it
// that narrow: `using hooks = engine.hooks.enter()`, the hook, the work that belongs to it, the record. Entering never
// waits. A listener that joins sees all that was recorded by scopes entered before it; whatever scopes entered later do
// reaches it by hooks alone, which wait until it is ready. So each object reaches it exactly once, by the list or by a
// hook, whatever happens meanwhile, and nobody waits who does not call a hook that it listens to. It follows:
// - an object does not show in lists before its create hook has returned (nor does anything of it run);
// - a hook that tells of an end is called before the record goes;
// - a scope is not held while waiting for something slow that calls hooks itself, such as stopping a pod's containers:
//   each of them has its own scope. A listener that joins would wait for the outer one, and the inner one for it, until
//   the time of the listener is up and it is dropped.
//
// Order of calls. Pod: run, (update, post-update)*, stop, remove. Container: create, post-create, start, post-start,
// (update, post-update)*, stop, remove. The engine may call stop and remove as often as it likes: an object that was
// stopped or removed, or whose create hook was never called, is told of once or not at all; remove tells of the stop
// first where that is missing. So a container that ends by itself is reported by stopContainer when its exit is recorded,
// and again, without effect, when somebody stops it.
//
// Failures. run, create, start, update and their like for pods fail when a listener refuses, and the operation with them:
// the error is the listener's. A refused run or create has told of stop and remove when it throws, a refused start of
// stop; when something fails after it, the engine calls remove, or stop. All others throw nothing: a listener's failure is
// logged, and all are told to the end, also when the signal aborts, which ends the waiting alone. A listener that does
// not answer in time is dropped, and the operation goes on as if it had not been there.

import type { RuntimeResources, RuntimeSpec } from "../../oci/runtime/spec.ts";
import type { ContainerView, PodView } from "./hook-views.ts";

/** Every call takes one; an abort ends a call that may refuse with the signal's reason. */
export interface HookOptions {
  readonly signal: AbortSignal;
}

/** What listeners made of a container that is to be created. */
export interface HookedContainer {
  /** The adjusted specification, annotations included. */
  readonly spec: RuntimeSpec;
  /** Fully qualified CDI names that were asked for beside; the engine resolves them into the specification. */
  readonly cdiDevices: readonly string[];
}

/** The engine's side; one for the whole engine. */
export interface LifecycleHooks {
  /** Begins a step; dispose the result when it is recorded or undone. */
  enter(): HookScope;
}

/** One step of an operation. Updates of other containers that listeners ask for are applied before a call returns. */
export interface HookScope extends Disposable {
  /** The sandbox is ready, network included, and does not show yet. */
  runPodSandbox(pod: PodView, options: HookOptions): Promise<void>;
  /** Before new pod-level resources are recorded; the pod's view has the old ones. */
  updatePodSandbox(pod: PodView, request: PodResourcesRequest, options: HookOptions): Promise<void>;
  postUpdatePodSandbox(pod: PodView, options: HookOptions): Promise<void>;
  /** All containers have ended; network and namespaces are still there. */
  stopPodSandbox(pod: PodView, options: HookOptions): Promise<void>;
  removePodSandbox(pod: PodView, options: HookOptions): Promise<void>;
  /** The container's view has the specification that the engine built. */
  createContainer(pod: PodView, container: HookedView, options: HookOptions): Promise<HookedContainer>;
  /** It shows in lists. */
  postCreateContainer(pod: PodView, container: ContainerView, options: HookOptions): Promise<void>;
  /** Its process has not begun to run the image's program. */
  startContainer(pod: PodView, container: ContainerView, options: HookOptions): Promise<void>;
  postStartContainer(pod: PodView, container: ContainerView, options: HookOptions): Promise<void>;
  /** What shall be applied instead of what was asked for. */
  updateContainer(
    pod: PodView,
    container: ContainerView,
    resources: RuntimeResources,
    options: HookOptions,
  ): Promise<RuntimeResources>;
  postUpdateContainer(pod: PodView, container: ContainerView, options: HookOptions): Promise<void>;
  /** It has ended, by whomever. */
  stopContainer(pod: PodView, container: ContainerView, options: HookOptions): Promise<void>;
  removeContainer(pod: PodView, container: ContainerView, options: HookOptions): Promise<void>;
}

/** A container's view that has its specification. */
export interface HookedView extends ContainerView {
  readonly spec: RuntimeSpec;
}

/** Pod-level resources that the kubelet has set; absent when it names none. */
export interface PodResourcesRequest {
  readonly overhead?: RuntimeResources;
  readonly resources?: RuntimeResources;
}
