// SPDX-License-Identifier: Apache-2.0
// What a report says, measured against what is expected.

import { type Circumstances, expectedSkips, suiteSize } from "./expectations.ts";
import type { SpecResult } from "./junit.ts";

export interface Skip {
  readonly name: string;
  readonly reason: string;
}

export interface Verdict {
  /** All specs that the report names. */
  readonly specs: number;
  readonly passed: number;
  readonly failures: readonly SpecResult[];
  readonly skips: readonly Skip[];
  /** Skipped without a known reason; critest's own words are the message. */
  readonly unexpectedSkips: readonly SpecResult[];
}

export function judge(results: readonly SpecResult[], circumstances: Circumstances): Verdict {
  const skipped = results.filter(({ outcome }) => outcome === "skipped");
  const reasonOf = (name: string) =>
    expectedSkips.find(({ spec, when }) => spec.test(name) && (when === undefined || when(circumstances)))?.reason;
  return {
    specs: results.length,
    passed: results.filter(({ outcome }) => outcome === "passed").length,
    failures: results.filter(({ outcome }) => outcome === "failed"),
    skips: skipped.flatMap(({ name }) => {
      const reason = reasonOf(name);
      return reason === undefined ? [] : [{ name, reason }];
    }),
    unexpectedSkips: skipped.filter(({ name }) => reasonOf(name) === undefined),
  };
}

/** All specs were there, nothing failed, and all that was skipped was expected to be. */
export function isGood({ specs, failures, unexpectedSkips }: Verdict, expectedSpecs: number = suiteSize): boolean {
  return specs === expectedSpecs && failures.length === 0 && unexpectedSkips.length === 0;
}
