// SPDX-License-Identifier: Apache-2.0
// Several steps that all had to be tried, and some of them failed.

import { EngineError, toEngineError } from "../../../base/errors.ts";

/** Throws the first failure, with all of them as its cause when there are more; nothing when there is none. */
export function throwFailures(failures: readonly unknown[]): void {
  if (failures.length === 0) return;
  const first = toEngineError(failures[0]);
  if (failures.length === 1) throw first;
  throw new EngineError(first.code, `${first.message} (and ${failures.length - 1} more)`, {
    cause: new AggregateError(failures),
    details: first.details,
  });
}
