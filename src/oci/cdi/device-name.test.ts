// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { cdiDevicesOfAnnotations, checkDeviceName } from "./device-name.ts";

for (const name of ["v/c=n", "vendor.com/class=0", "v-1_a.com/c.d=a:b.c-d_e", "Nvidia.com/gpu=GPU-1"]) {
  test(`device name ${name}`, () => assert.equal(checkDeviceName(name), name));
}
for (const name of [
  "",
  "gpu",
  "v=n",
  "v/c",
  "v/c=",
  "/c=n",
  "v/=n",
  "1v/c=n",
  "v/c-=n",
  "v/c=n-",
  "v/c/d=n",
  "v/c=a b",
]) {
  test(`no device name: ${JSON.stringify(name)}`, () => {
    assert.throws(() => checkDeviceName(name), { code: "invalid-argument" });
  });
}

test("annotations with the prefix name devices, others are of no interest", () => {
  const annotations = { "cdi.k8s.io/a": "v/c=1,v/c=2", "cdi.k8s.io/b": "v/c=3", "cdi.k8s.iox": "nonsense" };
  assert.deepEqual(cdiDevicesOfAnnotations(annotations), ["v/c=1", "v/c=2", "v/c=3"]);
  assert.throws(() => cdiDevicesOfAnnotations({ "cdi.k8s.io/a": "v/c=1, v/c=2" }), { code: "invalid-argument" });
});
