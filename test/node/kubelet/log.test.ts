// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { parseLine, unexplained, unreachable } from "./log.ts";

const refused =
  'E1121 14:44:40.250100    2049 generic.go:312] "GenericPLEG: Unable to retrieve pods" err="rpc error: code = Unavailable desc = connection error: desc = \\"transport: Error while dialing: dial unix /x/cri.sock: connect: connection refused\\""';
const failed =
  'E1121 14:44:40.250100    2049 remote_runtime.go:410] "CreateContainer in sandbox from runtime service failed" err="rpc error: code = Unknown desc = cannot mount" podSandboxID="1"';
const at = new Date(new Date().getFullYear(), 10, 21, 14, 44, 40, 250).getTime();

void test("a line has a time and a severity, what continues one has not", () => {
  assert.deepEqual(parseLine("I1121 14:44:40.250100    2049 file.go:1] text"), {
    time: at,
    severity: "I",
    text: "I1121 14:44:40.250100    2049 file.go:1] text",
  });
  assert.deepEqual(parseLine("  at nowhere"), { text: "  at nowhere" });
});

void test("errors are trouble, and so is what speaks of the runtime without being one", () => {
  const quiet = 'I1121 14:44:40.250100    2049 kubelet.go:1] "SyncLoop ADD" source="file"';
  const informed = 'I1121 14:44:40.250100    2049 kubelet.go:1] "Failed" err="rpc error: code = NotFound desc = gone"';
  const unhealthy =
    'I1121 14:44:40.250100    2049 kubelet.go:2646] "Skipping" err="PLEG is not healthy: pleg was last"';
  assert.deepEqual(unexplained([quiet, failed, informed, unhealthy, ""].join("\n"), []), [failed, informed, unhealthy]);
});

void test("while the engine is down it cannot be reached, and nothing else is expected", () => {
  const outages = [{ from: at - 1000, until: at + 1000, expected: unreachable }];
  assert.deepEqual(unexplained([refused, failed].join("\n"), outages), [failed]);
  assert.deepEqual(unexplained(refused, [{ from: at + 1, until: at + 1000, expected: unreachable }]), [refused]);
});

void test("what is not the engine's is known by name", () => {
  const crash =
    'E1121 14:44:40.250100    2049 pod_workers.go:1338] "Error syncing pod, skipping" err="failed to \\"StartContainer\\" for \\"main\\" with CrashLoopBackOff: \\"back-off 4s restarting failed container=main pod=crashing-x_default(1)\\"" pod="default/crashing-x"';
  assert.deepEqual(unexplained(crash, []), []);
  // Any other pod's is trouble.
  const other = crash.replaceAll("crashing-x", "steady-x");
  assert.deepEqual(unexplained(other, []), [other]);
});

void test("the kubelet may ask for a container that it has removed, and for no other that is gone", () => {
  const removes = 'I1121 14:44:39.250100    2049 scope.go:122] "RemoveContainer" containerID="abc"';
  const asks = (id: string) =>
    `E1121 14:44:40.250100    2049 remote_runtime.go:569] "ContainerStatus failed" err="rpc error: code = NotFound desc = no such container: ${id}"`;
  assert.deepEqual(unexplained([removes, asks("abc"), asks("abd")].join("\n"), []), [asks("abd")]);
  assert.deepEqual(unexplained([asks("abc"), removes].join("\n"), []), [asks("abc")]);
});
