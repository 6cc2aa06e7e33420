// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { armFailpoint, failpoint, parseFailpoints } from "./failpoint.ts";

test("does nothing until armed, and nothing again when disarmed", async () => {
  await failpoint("test.a");
  {
    using _armed = armFailpoint("test.a");
    await assert.rejects(failpoint("test.a"), { code: "internal", message: "failpoint test.a" });
    await failpoint("test.b");
  }
  await failpoint("test.a");
});

test("runs an action of the test's own and waits for it", async () => {
  const steps: string[] = [];
  using _armed = armFailpoint("test.c", async () => {
    await new Promise((resolve) => setImmediate(resolve));
    steps.push("action");
  });
  await failpoint("test.c");
  steps.push("after");
  assert.deepEqual(steps, ["action", "after"]);
});

test("the environment names failpoints and what they do", () => {
  assert.deepEqual(
    [...parseFailpoints("a:b=kill,c/d=throw,")],
    [
      ["a:b", "kill"],
      ["c/d", "throw"],
    ],
  );
  assert.equal(parseFailpoints("").size, 0);
  assert.throws(() => parseFailpoints("a=explode"), /invalid failpoint a=explode: use name=throw or name=kill/);
});
