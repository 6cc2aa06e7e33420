// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { codeToHttpStatus, codeToString } from "@connectrpc/connect/protocol-connect";
import { toStatus } from "../src/api/cri/grpc/status.ts";
import { toConnectError } from "../src/api/engine/errors.ts";
import { EngineError, type ErrorCode, errorCodes } from "../src/base/errors.ts";
import { changelogFaults, checkout, namedFiles, readDocument, tableRows } from "./documents.ts";

const documents = [
  "README.md",
  "ARCHITECTURE.md",
  "CONTRIBUTING.md",
  "SPECIFICATION.md",
  "SCOPE.md",
  "CHANGELOG.md",
  ...globSync("docs/**/*.md", { cwd: checkout }),
];

for (const document of documents) {
  test(`every file that ${document} names is there`, () => {
    const missing = namedFiles(readDocument(document)).filter(
      (name) =>
        !existsSync(path.join(checkout, name)) && !existsSync(path.join(checkout, path.dirname(document), name)),
    );
    assert.deepEqual(missing, []);
  });
}

test("finds the names of files, and nothing else", () => {
  const text =
    "`src/a.ts` `npm run x` [x](docs/b.md) [y](https://example.org/c.md) `README.md` `docs/adr/NNNN-x.md` `/etc/x`";
  assert.deepEqual(namedFiles(text), ["src/a.ts", "README.md", "docs/b.md"]);
});

/** Tests, benchmarks, and suites of others that are run by a program. */
const shows = (name: string) =>
  name.endsWith(".test.ts") || name.startsWith("bench") || /^test\/.*\/run\.ts$/.test(name);

test("every promise names a test or a benchmark", () => {
  const text = readDocument("SPECIFICATION.md");
  const rows = text.split("\n").filter((line) => /^\| (?!-|:)/.test(line) && !line.startsWith("| promise "));
  assert(rows.length > 20);
  const bare = rows.filter((row) => !namedFiles(row).some(shows));
  assert.deepEqual(bare, []);
});

test("CONTRIBUTING.md has at most 150 lines", () => {
  assert(readDocument("CONTRIBUTING.md").split("\n").length <= 151);
});

test("the changelog's headings are well-formed", () => {
  assert.deepEqual(changelogFaults(readDocument("CHANGELOG.md")), []);
});

test("a changelog is told its faults", () => {
  const good = "# Changelog\n\n## [Unreleased]\n\n## [0.1.0] - 2026-01-31\n\n### Fixed\n";
  assert.deepEqual(changelogFaults(good), []);
  assert.deepEqual(changelogFaults(good.replace("Fixed", "Mended")), ["not a version or a kind of change: ### Mended"]);
  assert.deepEqual(changelogFaults(good.replace(" - 2026-01-31", "")), [
    "not a version or a kind of change: ## [0.1.0]",
  ]);
  assert.deepEqual(changelogFaults(good.replace("## [Unreleased]\n", "")), [
    "the first version is not ## [Unreleased]",
  ]);
});

const errorRows = tableRows(readDocument("docs/errors.md"), "code");

test("docs/errors.md lists every code once", () => {
  assert.deepEqual(
    errorRows.map(([code]) => code),
    errorCodes.map((code) => `\`${code}\``),
  );
});

for (const [cell = "", , grpc = "", connect = "", http = "", places = ""] of errorRows) {
  const code = cell.replaceAll("`", "") as ErrorCode;
  test(`docs/errors.md is right about ${code}`, () => {
    const sent = toConnectError(new EngineError(code, "x")).code;
    assert.equal(Number(grpc), toStatus(new EngineError(code, "x")).code);
    assert.equal(connect, `\`${codeToString(sent)}\``);
    assert.equal(Number(http), codeToHttpStatus(sent));
    const folders = Array.from(places.matchAll(/`([^`]+)`/g), ([, folder = ""]) => folder);
    const idle = folders.filter((folder) => !raises(folder, code));
    assert.deepEqual(idle, [], "these do not raise it");
    if (folders.length === 0) assert.equal(raises("src/core", code) || raises("src/drivers", code), false);
  });
}

/** Whether a source below the folder says the code, or calls its helper of base/errors.ts. */
function raises(folder: string, code: ErrorCode): boolean {
  const helper = code.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
  const pattern = new RegExp(`"${code}"|\\b${helper}\\(`);
  return globSync(`${folder}/**/*.ts`, { cwd: checkout })
    .filter((file) => !file.endsWith(".test.ts") && !file.includes("/testing/"))
    .some((file) => pattern.test(readFileSync(path.join(checkout, file), "utf8")));
}
