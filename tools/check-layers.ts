// SPDX-License-Identifier: Apache-2.0
// Checks that every import stays inside what tools/layers.json allows its folder. Run by npm run layers; prints each
// violation with file, line and rule, and exits 1 when there is one.

import { globSync, readFileSync } from "node:fs";
import path from "node:path";

const root = path.join(import.meta.dirname, "..");
const rules = JSON.parse(readFileSync(path.join(import.meta.dirname, "layers.json"), "utf8")) as Record<
  string,
  string[]
>;

/** The left-to-right order inside core: each noun may import those before it. */
const coreOrder = [
  "host", "hooks", "namespaces", "events", "leases", "mounts", "content", "snapshots", "images", "transfer", "networks", "volumes", "streams",
  "containers", "tasks", "sandboxes", "lifecycle", "prune", "pods", "metrics", "gc",
]; // biome-ignore format: a table

const importPattern =
  /^\s*(?:import|export)\b[^"';]*?\bfrom\s*"([^"]+)"|^\s*import\s*"([^"]+)"|\bimport\(\s*"([^"]+)"\s*\)/gm;
const isTest = (file: string) => file.endsWith(".test.ts") || /(^|\/)testing\//.test(file);

function layerOf(file: string): string | undefined {
  return Object.keys(rules).find((layer) => file.startsWith(`${layer}/`));
}

/** The driver's folder, "runtime/shim" for src/drivers/runtime/shim/x.ts. */
function driverOf(file: string): string | undefined {
  return /^src\/drivers\/([^/]+\/[^/]+)\//.exec(file)?.[1];
}

function coreNounOf(file: string): string | undefined {
  return /^src\/core\/([^/]+)\//.exec(file)?.[1];
}

/** Why this import is forbidden, or undefined. */
function violation(file: string, target: string): string | undefined {
  if (target.startsWith("node:")) {
    return file.startsWith("src/base/") && !isTest(file) ? "src/base imports nothing from node:" : undefined;
  }
  if (target === "koffi") return file.startsWith("src/linux/ffi/") ? undefined : "only src/linux/ffi imports koffi";
  const resolved =
    target === "@berth/sdk"
      ? "sdk/src/index.ts"
      : target.startsWith(".")
        ? path.posix.join(path.posix.dirname(file), target)
        : undefined;
  if (resolved === undefined) return undefined;
  if (/(^|\/)testing\//.test(resolved) && !isTest(file) && layerOf(file) !== "test")
    return "testing/ folders are for tests only";
  const from = layerOf(file);
  const to = layerOf(resolved);
  if (from === undefined || to === undefined) return undefined;
  const allowed = rules[from] ?? [];
  if (from === to) {
    const [a, b] = [driverOf(file), driverOf(resolved)];
    if (a !== undefined && b !== undefined && a !== b) return `driver ${a} may not import driver ${b}`;
    const [x, y] = [coreNounOf(file), coreNounOf(resolved)];
    if (x !== undefined && y !== undefined && coreOrder.indexOf(y) > coreOrder.indexOf(x))
      return `core/${x} may not import core/${y}`;
    return undefined;
  }
  if (allowed.includes("*") || allowed.includes(to)) return undefined;
  if (isTest(file) && to !== "src/cli" && to !== "src/daemon") return undefined;
  return `${from} may not import ${to}`;
}

/** An import that is forbidden where it stands. */
export interface Violation {
  readonly line: number;
  readonly target: string;
  readonly why: string;
}

/** What is forbidden in one file's text; file is relative to the checkout. */
export function violationsIn(file: string, text: string): readonly Violation[] {
  return Array.from(text.matchAll(importPattern)).flatMap((match) => {
    const target = match[1] ?? match[2] ?? match[3] ?? "";
    const why = violation(file, target);
    if (why === undefined) return [];
    return [{ line: text.slice(0, match.index + match[0].length).split("\n").length, target, why }];
  });
}

if (import.meta.main) {
  const sources = ["src/**/*.ts", "sdk/src/**/*.ts", "test/**/*.ts", "bench/**/*.ts", "tools/**/*.ts"];
  for (const file of globSync(sources, { cwd: root }).sort()) {
    for (const { line, target, why } of violationsIn(file, readFileSync(path.join(root, file), "utf8"))) {
      console.error(`${file}:${line}: ${JSON.stringify(target)}: ${why}`);
      process.exitCode = 1;
    }
  }
}
