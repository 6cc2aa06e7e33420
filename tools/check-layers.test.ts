// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { violationsIn } from "./check-layers.ts";

/** File, import, and why it is forbidden; undefined when it is allowed. */
const cases: readonly (readonly [string, string, string | undefined])[] = [
  ["src/core/images/x.ts", "../../base/errors.ts", undefined],
  ["src/core/images/x.ts", "../../storage/store.ts", undefined],
  ["src/core/images/x.ts", "../content/content.ts", undefined],
  ["src/core/images/x.ts", "../transfer/puller.ts", "core/images may not import core/transfer"],
  ["src/core/images/x.ts", "../../linux/ffi/mount.ts", "src/core may not import src/linux"],
  ["src/core/images/x.ts", "../../drivers/content/local/x.ts", "src/core may not import src/drivers"],
  ["src/base/x.ts", "node:fs", "src/base imports nothing from node:"],
  ["src/base/x.test.ts", "node:test", undefined],
  ["src/base/x.ts", "../oci/reference/reference.ts", "src/base may not import src/oci"],
  ["src/drivers/runtime/shim/x.ts", "./task.ts", undefined],
  ["src/drivers/runtime/shim/x.ts", "../../../linux/mount/unmount.ts", undefined],
  [
    "src/drivers/runtime/shim/x.ts",
    "../../network/cni/cni-version.ts",
    "driver runtime/shim may not import driver network/cni",
  ],
  ["src/drivers/runtime/shim/x.ts", "koffi", "only src/linux/ffi imports koffi"],
  ["src/linux/ffi/x.ts", "koffi", undefined],
  ["src/linux/mount/x.ts", "koffi", "only src/linux/ffi imports koffi"],
  ["src/api/engine/x.ts", "../../drivers/host/linux/host-facts.ts", "src/api may not import src/drivers"],
  ["src/cli/x.ts", "@berth/sdk", undefined],
  ["src/cli/x.ts", "../core/images/image.ts", "src/cli may not import src/core"],
  ["src/cli/x.ts", "../daemon/config.ts", "src/cli may not import src/daemon"],
  ["src/cli/x.test.ts", "../daemon/config.ts", "src/cli may not import src/daemon"],
  ["src/daemon/x.ts", "../cli/main.ts", "src/daemon may not import src/cli"],
  ["sdk/src/x.ts", "../../src/gen/berth/engine/v1/image_pb.js", undefined],
  ["sdk/src/x.ts", "../../src/base/errors.ts", "sdk may not import src/base"],
  ["tools/x.ts", "../src/base/errors.ts", "tools may not import src/base"],
  ["tools/x.test.ts", "../src/base/errors.ts", undefined],
  ["src/core/images/x.ts", "./testing/fake-snapshotter.ts", "testing/ folders are for tests only"],
  ["src/core/images/x.test.ts", "./testing/fake-snapshotter.ts", undefined],
  ["src/core/images/testing/x.ts", "./fake-snapshotter.ts", undefined],
  ["test/system/x.ts", "../../src/linux/mount/mountinfo.ts", undefined],
  ["src/core/images/x.ts", "undici", undefined],
];

for (const [file, target, why] of cases) {
  test(`${file} ${why === undefined ? "may" : "may not"} import ${target}`, () => {
    const found = violationsIn(file, `import { a } from ${JSON.stringify(target)};\n`);
    assert.deepEqual(
      found.map((violation) => violation.why),
      why === undefined ? [] : [why],
    );
  });
}

test("sees every form of import, and says on which line it stands", () => {
  const text = `// SPDX
import type {
  A,
} from "../core/a.ts";
export * from "../core/b.ts";
import "../core/c.ts";
const d = await import("../core/d.ts");
const text = "not an import from ../core/e.ts";
`;
  assert.deepEqual(
    violationsIn("src/base/x.ts", text).map(({ line, target }) => [line, target]),
    [
      [4, "../core/a.ts"],
      [5, "../core/b.ts"],
      [6, "../core/c.ts"],
      [7, "../core/d.ts"],
    ],
  );
});
