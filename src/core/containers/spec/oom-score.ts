// SPDX-License-Identifier: Apache-2.0

import { failedPrecondition, invalidArgument } from "../../../base/errors.ts";

/** What a kubelet gives every container by its rank: the nearest that the daemon may give. */
export function clampOomScore(asked: number | undefined, minimum: number): number {
  return resolveOomScore(Math.max(asked ?? 0, minimum), minimum);
}

/** oom_score_adj: 0, or the lowest that the daemon may give, unless asked for; an asked one is never changed. */
export function resolveOomScore(asked: number | undefined, minimum: number): number {
  if (asked === undefined) return Math.max(0, minimum);
  if (!Number.isInteger(asked) || asked < -1000 || asked > 1000) {
    throw invalidArgument(`invalid value ${asked}, range for oom score adj is [-1000, 1000]`);
  }
  if (asked < minimum) {
    throw failedPrecondition(
      `cannot set oom score adj to ${asked}: the daemon may not go below ${minimum} without CAP_SYS_RESOURCE`,
    );
  }
  return asked;
}
