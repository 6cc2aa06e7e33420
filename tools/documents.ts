// SPDX-License-Identifier: Apache-2.0
// What the tests of the documents look for in Markdown. Documents name files in backticks, relative to the checkout.

import { readFileSync } from "node:fs";
import path from "node:path";

export const checkout = path.join(import.meta.dirname, "..");

/** The folders and files at the top of the checkout that a name can begin with. */
const namePattern =
  /^(?:(?:src|sdk|test|tools|bench|docs|proto|native|packaging|bin|\.ci)\/[\w./-]+|[A-Z]+\.md|Makefile|package(?:-lock)?\.json)$/;

export function readDocument(name: string): string {
  return readFileSync(path.join(checkout, name), "utf8");
}

/** Written by make bench, which not everybody has run. */
const written = "docs/benchmarks.md";

/** The files and folders that a document names in backticks or links to; wildcards and placeholders are none. */
export function namedFiles(text: string): readonly string[] {
  const inBackticks = Array.from(text.matchAll(/`([^`\n]+)`/g), ([, name = ""]) => name);
  const linked = Array.from(text.matchAll(/\]\(([^)#\s]+)\)/g), ([, name = ""]) => name);
  const isName = (name: string) => namePattern.test(name) && !name.includes("NNNN");
  const names = [...inBackticks.filter(isName), ...linked.filter((name) => !/^[a-z]+:/.test(name))];
  return names.filter((name) => name !== written);
}

/** What is wrong with the headings of a changelog, by keepachangelog.com. */
export function changelogFaults(text: string): readonly string[] {
  const versions = /^\[(?:Unreleased|\d+\.\d+\.\d+\] - \d{4}-\d{2}-\d{2})\]?$/;
  const kinds = new Set(["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]);
  const headings = text.split("\n").filter((line) => line.startsWith("#"));
  const faults: string[] = [];
  if (headings[0] !== "# Changelog") faults.push("it does not begin with # Changelog");
  if (headings[1] !== "## [Unreleased]") faults.push("the first version is not ## [Unreleased]");
  for (const heading of headings.slice(1)) {
    const [, marks = "", name = ""] = /^(#+) (.*)$/.exec(heading) ?? [];
    const isGood = (marks === "##" && versions.test(name)) || (marks === "###" && kinds.has(name));
    if (!isGood) faults.push(`not a version or a kind of change: ${heading}`);
  }
  return faults;
}

/** The rows of the first table whose first column is headed so: cells without their blanks. */
export function tableRows(text: string, firstHeading: string): readonly (readonly string[])[] {
  const lines = text.split("\n");
  const start = lines.findIndex((line) => line.startsWith(`| ${firstHeading} |`));
  if (start === -1) throw new Error(`no table with the column ${firstHeading}`);
  const end = lines.findIndex((line, index) => index > start && !line.startsWith("|"));
  return lines.slice(start + 2, end === -1 ? undefined : end).map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}
