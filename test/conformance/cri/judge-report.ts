// SPDX-License-Identifier: Apache-2.0

import { readFile } from "node:fs/promises";
import { circumstancesOf } from "./circumstances.ts";
import { suiteSize } from "./expectations.ts";
import { parseReport } from "./junit.ts";
import type { Run } from "./matrix.ts";
import { focus, reportFile } from "./settings.ts";
import { isGood, judge, type Verdict } from "./verdict.ts";

/** Prints what a run's report says; whether it is as expected. */
export async function judgeReport(run: Run, elapsedMs: number): Promise<boolean> {
  const results = parseReport(await readFile(reportFile(run), "utf8"));
  // What is not in the focus says nothing about the engine.
  const asked = focus === undefined ? results : results.filter(({ message }) => message !== "skipped");
  const verdict = judge(asked, await circumstancesOf(run.runtime));
  print(run, verdict, elapsedMs / 1000);
  return isGood(verdict, focus === undefined ? suiteSize : verdict.specs);
}

function print(run: Run, { specs, passed, failures, skips, unexpectedSkips }: Verdict, seconds: number): void {
  const skipped = skips.length + unexpectedSkips.length;
  console.log(`${run.name}: ${passed} passed, ${failures.length} failed, ${skipped} skipped, ${seconds.toFixed(0)} s`);
  if (focus === undefined && specs !== suiteSize) console.log(`  ${specs} specs instead of ${suiteSize}`);
  for (const { name, message } of failures) console.log(`  failed: ${name}\n    ${firstLine(message)}`);
  for (const { name, message } of unexpectedSkips) console.log(`  skipped: ${name}\n    ${firstLine(message)}`);
}

function firstLine(message: string): string {
  return (message.split("\n", 1)[0] ?? "").slice(0, 200);
}
