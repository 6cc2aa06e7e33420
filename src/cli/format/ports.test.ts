// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { formatPorts, type Port } from "./ports.ts";

const published = (hostAddress: string, hostPort: number, containerPort: number, protocol = "tcp"): Port => ({
  hostAddress,
  hostPort,
  containerPort,
  protocol,
});
const exposed = (containerPort: number, protocol = "tcp"): Port => ({ containerPort, protocol });

const cases: readonly { readonly name: string; readonly ports: readonly Port[]; readonly expected: string }[] = [
  { name: "none", ports: [], expected: "" },
  { name: "one exposed", ports: [exposed(6379)], expected: "6379/tcp" },
  {
    name: "on both families",
    ports: [published("::", 8080, 80), published("0.0.0.0", 8080, 80)],
    expected: "0.0.0.0:8080->80/tcp, [::]:8080->80/tcp",
  },
  {
    name: "renumbered ones follow those that are not",
    ports: [published("0.0.0.0", 8080, 80), exposed(90)],
    expected: "90/tcp, 0.0.0.0:8080->80/tcp",
  },
  { name: "a range", ports: [exposed(82), exposed(80), exposed(81), exposed(90)], expected: "80-82/tcp, 90/tcp" },
  {
    name: "a published range",
    ports: [
      published("0.0.0.0", 80, 80),
      published("0.0.0.0", 81, 81),
      published("::", 80, 80),
      published("::", 81, 81),
    ],
    expected: "0.0.0.0:80-81->80-81/tcp, [::]:80-81->80-81/tcp",
  },
  {
    name: "protocols are apart",
    ports: [exposed(53), exposed(53, "udp"), exposed(54, "udp")],
    expected: "53/tcp, 53-54/udp",
  },
];

for (const { name, ports, expected } of cases) {
  test(`ports: ${name}`, () => {
    assert.equal(formatPorts(ports), expected);
  });
}
