// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePrettyName, readHostFacts } from "./host-facts.ts";
import { reachableNameservers } from "./nameservers.ts";

test("reads this machine", async () => {
  const facts = await readHostFacts();
  assert.match(facts.architecture, /^(amd64|arm64)$/);
  assert.match(facts.kernelVersion, /^\d+\.\d+/);
  assert.ok(facts.cpus > 0 && facts.memoryBytes > 0);
  assert.ok(facts.cgroup.ownPath.startsWith("/"));
  assert.ok(facts.rlimits["RLIMIT_NOFILE"]);
  assert.equal(facts.raiseRlimits, facts.capabilities.includes("CAP_SYS_RESOURCE"));
});

test("reads the distribution's name with and without quotes", () => {
  assert.equal(parsePrettyName('NAME=x\nPRETTY_NAME="Debian \\"12\\""\n'), 'Debian "12"');
  assert.equal(parsePrettyName("PRETTY_NAME=Alpine\n"), "Alpine");
  assert.equal(parsePrettyName(""), "Linux");
});

test("leaves out name servers on loopback, and looks behind a stub", () => {
  assert.deepEqual(
    reachableNameservers("nameserver 127.0.0.53\nnameserver 192.0.2.1 # comment\nnameserver nonsense\n", ""),
    ["192.0.2.1"],
  );
  assert.deepEqual(
    reachableNameservers("nameserver 127.0.0.53\n", "nameserver 2001:db8::1\nnameserver fe80::1%eth0\n"),
    ["2001:db8::1", "fe80::1%eth0"],
  );
  assert.deepEqual(reachableNameservers("", "nameserver 192.0.2.1\n"), []);
});
