// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { deviceNumbers } from "./device-numbers.ts";

test("device numbers are split as makedev packs them", () => {
  assert.deepEqual(deviceNumbers(0x0103), { major: 1, minor: 3 });
  assert.deepEqual(deviceNumbers(0x12308805), { major: 0x088, minor: 0x12305 });
});
