// SPDX-License-Identifier: Apache-2.0

import { invalidArgument } from "../../../../base/errors.ts";
import { Event } from "../../../../gen/nri/pkg/api/v1alpha1/api_pb.js";

/** Calls that tell a plugin something and get nothing back. */
export const notices = {
  runPodSandbox: Event.RUN_POD_SANDBOX,
  postUpdatePodSandbox: Event.POST_UPDATE_POD_SANDBOX,
  stopPodSandbox: Event.STOP_POD_SANDBOX,
  removePodSandbox: Event.REMOVE_POD_SANDBOX,
  postCreateContainer: Event.POST_CREATE_CONTAINER,
  startContainer: Event.START_CONTAINER,
  postStartContainer: Event.POST_START_CONTAINER,
  postUpdateContainer: Event.POST_UPDATE_CONTAINER,
  removeContainer: Event.REMOVE_CONTAINER,
} as const;

export type Notice = keyof typeof notices;

const allEvents = 2 ** (Event.LAST - 1) - 1;

/** What a plugin wants to be called for, as it answered Configure: bit n-1 is event n, and none stands for all. */
export class Subscription {
  readonly #mask: number;

  /** invalid-argument for an event that does not exist. */
  constructor(mask: number) {
    if ((mask & ~allEvents) !== 0) throw invalidArgument(`there are no events 0x${(mask & ~allEvents).toString(16)}`);
    this.#mask = mask === 0 ? allEvents : mask;
  }

  includes(event: Event): boolean {
    return (this.#mask & (1 << (event - 1))) !== 0;
  }
}
