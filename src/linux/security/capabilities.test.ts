// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { capabilityNames } from "../../base/capabilities.ts";
import { capabilitiesOfMask, parseProcessSecurity } from "./capabilities.ts";

test("names capabilities by the numbers of linux/capability.h", () => {
  assert.equal(capabilityNames.length, 41);
  assert.equal(capabilityNames[0], "CAP_CHOWN");
  assert.equal(capabilityNames[21], "CAP_SYS_ADMIN");
  assert.equal(capabilityNames[24], "CAP_SYS_RESOURCE");
  assert.equal(capabilityNames[40], "CAP_CHECKPOINT_RESTORE");
});

test("reads masks, also with bits of a newer kernel", () => {
  assert.deepEqual(capabilitiesOfMask("0000000000000021"), ["CAP_CHOWN", "CAP_KILL"]);
  assert.equal(capabilitiesOfMask("ffffffffffffffff").length, 41);
});

test("reads what a process may do", () => {
  const security = parseProcessSecurity(
    "Name:\tx\nCapInh:\t0\nCapPrm:\t000001fffeffffff\nCapEff:\t1\nCapBnd:\t3\nNoNewPrivs:\t1\nSeccomp:\t2\n",
  );
  assert.equal(security.permitted.length, 40);
  assert.ok(!security.permitted.includes("CAP_SYS_RESOURCE"));
  assert.deepEqual(security.effective, ["CAP_CHOWN"]);
  assert.deepEqual(security.bounding, ["CAP_CHOWN", "CAP_DAC_OVERRIDE"]);
  assert.ok(security.noNewPrivileges && security.seccomp);
  assert.equal(parseProcessSecurity("Name:\tx\n").seccomp, false);
});
