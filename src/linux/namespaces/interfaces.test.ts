// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { parseInterfaces } from "./interfaces.ts";

const text = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo: 1193607391  116742    0    0    0     0          0         0 1193607391  116742    0    0    0     0       0          0
  eth0:3270913155   90720    1    2    0     0          0         0  6254362   60150    3    4    0     0       0          0
`;

test("reads the traffic of interfaces but loopback, also where a count touches the name", () => {
  assert.deepEqual(parseInterfaces(text), [
    {
      name: "eth0",
      receive: { bytes: 3270913155, packets: 90720, errors: 1, dropped: 2 },
      transmit: { bytes: 6254362, packets: 60150, errors: 3, dropped: 4 },
    },
  ]);
});
