// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type ParsedPort, parseExposedPort, parsePort } from "./port.ts";

const tcp = { hostIp: "", hostPort: 0, protocol: "tcp" } as const;

const cases: readonly [text: string, ...ports: readonly ParsedPort[]][] = [
  ["80", { ...tcp, containerPort: 80 }],
  ["0:80", { ...tcp, containerPort: 80 }],
  ["8080:80", { ...tcp, hostPort: 8080, containerPort: 80 }],
  ["53:53/UDP", { ...tcp, hostPort: 53, containerPort: 53, protocol: "udp" }],
  ["7:7/sctp", { ...tcp, hostPort: 7, containerPort: 7, protocol: "sctp" }],
  ["127.0.0.1:8080:80", { ...tcp, hostIp: "127.0.0.1", hostPort: 8080, containerPort: 80 }],
  ["127.0.0.1::80", { ...tcp, hostIp: "127.0.0.1", containerPort: 80 }],
  ["[::1]:8080:80", { ...tcp, hostIp: "::1", hostPort: 8080, containerPort: 80 }],
  ["::1:8080:80", { ...tcp, hostIp: "::1", hostPort: 8080, containerPort: 80 }],
  ["[fd00::ffff:1.2.3.4]::80", { ...tcp, hostIp: "fd00::ffff:1.2.3.4", containerPort: 80 }],
  ["8000-8001:80-81", { ...tcp, hostPort: 8000, containerPort: 80 }, { ...tcp, hostPort: 8001, containerPort: 81 }],
  ["80-81", { ...tcp, containerPort: 80 }, { ...tcp, containerPort: 81 }],
  ["8000-9000:80", { ...tcp, hostPort: 8000, hostPortEnd: 9000, containerPort: 80 }],
];
for (const [text, ...ports] of cases) {
  test(`-p ${text}`, () => assert.deepEqual(parsePort(text), ports));
}

const refusals: readonly [text: string, message: string][] = [
  ["", "no port specified: <empty>"],
  ["8080:", "no port specified: 8080:<empty>"],
  ["80/http", "invalid proto: http"],
  ["70000", "invalid containerPort: 70000"],
  ["0", "invalid containerPort: 0"],
  ["a:80", "invalid hostPort: a"],
  ["81-80", "invalid containerPort: 81-80"],
  ["70000:80", "invalid hostPort: 70000"],
  ["localhost:8080:80", "invalid IP address: localhost"],
  ["1.2.3:8080:80", "invalid IP address: 1.2.3"],
  ["1.2.3.256:8080:80", "invalid IP address: 1.2.3.256"],
  ["[::1:8080:80", "invalid IP address: [::1"],
  ["[::1::2]:8080:80", "invalid IP address: [::1::2]"],
  ["8000-8002:80-81", "invalid ranges specified for container and host Ports: 80-81 and 8000-8002"],
];
for (const [text, message] of refusals) {
  test(`-p ${text} is refused: ${message}`, () => {
    assert.throws(() => parsePort(text), { code: "invalid-argument", message });
  });
}

test("equal ranges map one to one", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 60_000 }),
      fc.integer({ min: 1, max: 60_000 }),
      fc.nat(20),
      (host, inner, more) => {
        const ports = parsePort(`${host}-${host + more}:${inner}-${inner + more}`);
        assert.deepEqual(
          ports.map((port) => port.hostPort - port.containerPort),
          Array.from({ length: more + 1 }, () => host - inner),
        );
      },
    ),
  );
});

test("nothing but a mapping or invalid-argument comes out", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(..."0123456789:.-/[]tcpudfa".split("")) }), (text) => {
      try {
        for (const port of parsePort(text)) {
          assert.ok(port.containerPort >= 1 && port.containerPort <= 65_535);
          assert.ok(port.hostPort >= 0 && port.hostPort <= 65_535);
        }
      } catch (error) {
        assert.equal((error as { code?: string }).code, "invalid-argument");
      }
    }),
  );
});

test("--expose takes ports and ranges", () => {
  assert.deepEqual(parseExposedPort("80"), ["80/tcp"]);
  assert.deepEqual(parseExposedPort("53/udp"), ["53/udp"]);
  assert.deepEqual(parseExposedPort("8000-8002"), ["8000/tcp", "8001/tcp", "8002/tcp"]);
  assert.throws(() => parseExposedPort("8080:80"), { message: "invalid port format for --expose: 8080:80" });
});
