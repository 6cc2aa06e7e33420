// SPDX-License-Identifier: Apache-2.0
// Nobody listens: for an engine whose hooks are switched off, and for tests.

import type { HookScope, LifecycleHooks } from "./lifecycle-hooks.ts";

const nothing = async () => {};

const scope: HookScope = {
  runPodSandbox: nothing,
  updatePodSandbox: nothing,
  postUpdatePodSandbox: nothing,
  stopPodSandbox: nothing,
  removePodSandbox: nothing,
  createContainer: async (_pod, { spec }) => ({ spec, cdiDevices: [] }),
  postCreateContainer: nothing,
  startContainer: nothing,
  postStartContainer: nothing,
  updateContainer: async (_pod, _container, resources) => resources,
  postUpdateContainer: nothing,
  stopContainer: nothing,
  removeContainer: nothing,
  [Symbol.dispose]() {},
};

/** Changes nothing and refuses nothing. */
export const noHooks: LifecycleHooks = { enter: () => scope };
