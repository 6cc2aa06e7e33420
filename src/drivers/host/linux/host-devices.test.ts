// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { createHostDevices } from "./host-devices.ts";

test("a device is found with its numbers, and what is none is refused by name", async () => {
  const devices = createHostDevices();
  const [zero] = await devices.find("/dev/zero");
  assert.deepEqual(
    { ...zero, fileMode: 0, gid: 0 },
    { path: "/dev/zero", type: "c", major: 1, minor: 5, fileMode: 0, uid: 0, gid: 0 },
  );
  await assert.rejects(devices.find("/dev/nothing-here"), /custom device "\/dev\/nothing-here": no such file/);
  await assert.rejects(devices.find("/etc/passwd"), /not a device node/);
});

test("the list has devices and leaves terminals out", async () => {
  const paths = (await createHostDevices().list()).map((device) => device.path);
  assert.ok(paths.includes("/dev/null"));
  assert.ok(!paths.some((path) => path.startsWith("/dev/pts/")));
});
