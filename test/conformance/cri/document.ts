// SPDX-License-Identifier: Apache-2.0
// docs/conformance.md, from the reports of all runs.

import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { isDeepStrictEqual } from "node:util";
import { circumstancesOf } from "./circumstances.ts";
import type { Circumstances } from "./expectations.ts";
import { parseReport } from "./junit.ts";
import { matrix, type Run, type Runtime, runtimes } from "./matrix.ts";
import { reportFile } from "./settings.ts";
import { judge, type Verdict } from "./verdict.ts";

const file = path.join(import.meta.dirname, "../../../docs/conformance.md");

export interface JudgedRun {
  readonly run: Run;
  readonly circumstances: Circumstances;
  readonly verdict: Verdict;
}

/** False, and nothing is written, while a run has no report. */
export async function writeDocument(): Promise<boolean> {
  if (!matrix.every((run) => existsSync(reportFile(run)))) return false;
  const judged: JudgedRun[] = [];
  for (const runtime of runtimes) {
    const circumstances = await circumstancesOf(runtime);
    for (const run of matrix.filter((each) => each.runtime === runtime)) {
      const verdict = judge(parseReport(await readFile(reportFile(run), "utf8")), circumstances);
      judged.push({ run, circumstances, verdict });
    }
  }
  await writeFile(file, formatDocument(judged));
  return true;
}

export function formatDocument(judged: readonly JudgedRun[]): string {
  const rows = judged.map(({ run, verdict: { passed, failures, skips, unexpectedSkips } }) => {
    const cells = [passed, failures.length, skips.length + unexpectedSkips.length];
    return `| ${run.name} | ${cells.join(" | ")} |`;
  });
  const versions = new Set(judged.map(({ circumstances }) => circumstances.runtimeVersion));
  return `# Kubernetes CRI conformance

Written by \`make conformance\` from the reports of critest v1.36.0 (the Go module sigs.k8s.io/cri-tools); do not edit. Each
run has a daemon of its own; its images are built from Debian packages and come from a loopback registry, which mirrors
registry.k8s.io, gcr.io and k8s.gcr.io. serial: one spec after the other; parallel: eight at once. spdy and websocket: what
exec, attach and port forwarding go over.

${[...versions].map((version) => `- ${version}`).join("\n")}

| run | passed | failed | skipped |
|---|---:|---:|---:|
${rows.join("\n")}
${failedSection(judged)}
## Skipped

${skippedLines(judged).join("\n")}
`;
}

/** Each failed spec, and in which runs. */
function failedSection(judged: readonly JudgedRun[]): string {
  const runsByLine = new Map<string, string[]>();
  for (const { run, verdict } of judged) {
    for (const { name, message } of [...verdict.failures, ...verdict.unexpectedSkips]) {
      const line = verdict.failures.some((failure) => failure.name === name)
        ? specOf(name)
        : `${specOf(name)} (skipped: ${message})`;
      runsByLine.set(line, [...(runsByLine.get(line) ?? []), run.name]);
    }
  }
  if (runsByLine.size === 0) return "";
  const lines = Array.from(runsByLine, ([line, names]) => `- ${line}: ${names.join(", ")}`);
  return `\n## Failed\n\n${lines.sort().join("\n")}\n`;
}

/** The reasons with their specs, and the runs where not all have them. */
function skippedLines(judged: readonly JudgedRun[]): readonly string[] {
  const runsBySpec = new Map<string, Map<string, string[]>>();
  for (const { run, verdict } of judged) {
    for (const { name, reason } of verdict.skips) {
      const specs = runsBySpec.get(reason) ?? new Map<string, string[]>();
      specs.set(specOf(name), [...(specs.get(specOf(name)) ?? []), run.name]);
      runsBySpec.set(reason, specs);
    }
  }
  return Array.from(runsBySpec).flatMap(([reason, specs]) => [
    `- **${reason}** (${specs.size})`,
    ...Array.from(specs, ([spec, names]) => {
      const where = whereOf(names, judged);
      return where === "" ? `  - ${spec}` : `  - ${where}: ${spec}`;
    }).sort(),
  ]);
}

/** The runs, or the runtime that has them all; nothing where it is every run. */
function whereOf(names: readonly string[], judged: readonly JudgedRun[]): string {
  if (names.length === judged.length) return "";
  const namesWith = (runtime: Runtime) =>
    judged.filter(({ run }) => run.runtime === runtime).map(({ run }) => run.name);
  return runtimes.find((runtime) => isDeepStrictEqual(namesWith(runtime), names)) ?? names.join(", ");
}

/** Without ginkgo's and the suite's marks. */
function specOf(name: string): string {
  return name.replace(/^\[It\] (\[k8s\.io\] )?/, "").replace(/( \[(Conformance|Serial)\])+$/, "");
}
