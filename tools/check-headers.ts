// SPDX-License-Identifier: Apache-2.0
// Checks that every source file that git knows says its licence in its first three lines. Run by npm run headers; prints
// the files that do not, and exits 1 when there is one. Generated code has none: protoc-gen-es writes it.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";

const root = path.join(import.meta.dirname, "..");
const header = "SPDX-License-Identifier: Apache-2.0";
const isSource = /\.(?:ts|tsx|js|mjs|css|sh|c|h|go|rs|proto)$|(?:^|\/)Makefile$|^bin\/|^\.ci\//;
const isGenerated = /^src\/gen\//;

const files = execFileSync("git", ["ls-files"], { cwd: root, encoding: "utf8" }).split("\n");
for (const file of files.filter((name) => isSource.test(name) && !isGenerated.test(name))) {
  let text: string;
  try {
    text = readFileSync(path.join(root, file), "utf8");
  } catch {
    continue; // removed and not committed yet
  }
  if (text.split("\n", 3).some((line) => line.includes(header))) continue;
  console.error(`${file}:1: no licence: begin with a comment "${header}"`);
  process.exitCode = 1;
}
