// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import test from "node:test";
import { type RuntimeSpec, unlimitedRlimit } from "./spec.ts";
import { formatRuntimeSpec, parseRuntimeSpec } from "./spec-text.ts";

test("a specification survives being kept as text, unlimited limits included", () => {
  const spec = {
    ociVersion: "1.2.0",
    process: {
      user: { uid: 0, gid: 0 },
      args: ["18446744073709551615"],
      env: [],
      cwd: "/",
      rlimits: [{ type: "RLIMIT_CORE", soft: 0.5, hard: unlimitedRlimit }],
    },
    root: { path: "/r" },
    mounts: [],
    linux: { namespaces: [{ type: "mount" }], resources: { memory: { limit: Number.MAX_SAFE_INTEGER } } },
  } satisfies RuntimeSpec;
  const text = formatRuntimeSpec(spec);
  assert.match(text, /"hard":18446744073709551615\b/);
  assert.equal(formatRuntimeSpec(parseRuntimeSpec(text)), text);
});
