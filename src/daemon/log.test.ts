// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";

test("says why, under whichever name the error goes", () => {
  const script = `
    import { openLogger } from ${JSON.stringify(import.meta.resolve("./log.ts"))};
    const log = openLogger({ level: "info" }).child({ scope: "here" });
    log.warn({ err: new Error("one") }, "first");
    log.warn({ error: new Error("two") }, "second");
    log.warn({ error: "three" }, "third");`;
  const parameters = ["--disable-warning=ExperimentalWarning", "--input-type=module", "-e", `${script}`];
  const output = execFileSync("sh", ["-c", 'exec "$0" "$@" 2>&1', process.execPath, ...parameters], {
    encoding: "utf8",
  });
  const lines = output
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    lines.map(({ msg, err, error }) => [msg, err?.message ?? error.message ?? error]),
    [
      ["first", "one"],
      ["second", "two"],
      ["third", "three"],
    ],
  );
});
