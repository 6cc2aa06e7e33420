// SPDX-License-Identifier: Apache-2.0
// Requests about pods that make no sense: the code that says so, a message that names the thing, and nothing made.

import assert from "node:assert/strict";
import { afterEach, suite, test } from "node:test";
import { NamespaceMode } from "../../../src/gen/runtime/v1/api_pb.js";
import { hostPod, type NamespaceInit, type PodInit, refused } from "../../support/cri-client.ts";
import { assertSameTraces } from "../../support/engine-traces.ts";
import { suiteCri } from "../../support/suite-cri.ts";

const { POD, CONTAINER, NODE, TARGET } = NamespaceMode;
const unknownId = "a".repeat(64);
const range = { containerId: 0, hostId: 100_000, length: 65_536 };

suite("a request about a pod that makes no sense", () => {
  const own = suiteCri();

  afterEach(async () => {
    assert.deepEqual((await own.cri.runtime.listPodSandbox({})).items, []);
    await assertSameTraces(own.daemon, own.traces);
  });

  const badPod = async (
    code: Parameters<typeof refused>[0],
    word: string,
    init: object,
    namespaces?: NamespaceInit,
  ) => {
    await assert.rejects(own.cri.runPod(init as PodInit, namespaces), refused(code, word), word);
  };

  test("no configuration, no metadata, no name", async () => {
    await assert.rejects(own.cri.runtime.runPodSandbox({}), refused("InvalidArgument", "config"));
    await assert.rejects(own.cri.runtime.runPodSandbox({ config: {} }), refused("InvalidArgument", "metadata"));
    await badPod("InvalidArgument", "name", { metadata: { uid: "u", namespace: "n" } });
    await badPod("InvalidArgument", "namespace", { metadata: { name: "a", uid: "u", namespace: "a\nb" } });
  });

  test("no id, or an unknown one", async () => {
    const { runtime } = own.cri;
    const byId = {
      podSandboxStatus: async (podSandboxId: string) => await runtime.podSandboxStatus({ podSandboxId }),
      podSandboxStats: async (podSandboxId: string) => await runtime.podSandboxStats({ podSandboxId }),
      portForward: async (podSandboxId: string) => await runtime.portForward({ podSandboxId, port: [80] }),
      updatePodSandboxResources: async (podSandboxId: string) =>
        await runtime.updatePodSandboxResources({ podSandboxId }),
    };
    for (const [name, call] of Object.entries(byId)) {
      for (const id of [unknownId, "../../etc", "pod with blanks"]) {
        await assert.rejects(call(id), refused("NotFound", id), name);
      }
      await assert.rejects(call(""), refused("InvalidArgument"), name);
    }
    for (const podSandboxId of [unknownId, "../../etc"]) {
      await runtime.stopPodSandbox({ podSandboxId });
      await runtime.removePodSandbox({ podSandboxId });
    }
    await assert.rejects(runtime.stopPodSandbox({}), refused("InvalidArgument"));
    await assert.rejects(runtime.removePodSandbox({}), refused("InvalidArgument"));
  });

  test("a handler that nobody has configured", async () => {
    const run = own.cri.runtime.runPodSandbox({ config: own.cri.podConfig(), runtimeHandler: "no-such" });
    await assert.rejects(run, refused("NotFound", "no-such"));
    const untrusted = { "io.kubernetes.cri.untrusted-workload": "true" };
    await badPod("NotFound", "untrusted", { annotations: untrusted }, { pid: CONTAINER });
  });

  test("user namespaces that cannot be", async () => {
    const withMapping = (userns: object) =>
      ({ pid: CONTAINER, usernsOptions: { mode: POD, ...userns } }) as NamespaceInit;
    const bad = async (word: string, userns: object) => await badPod("InvalidArgument", word, {}, withMapping(userns));
    await bad("one mapping", {
      uids: [range, { containerId: 65_536, hostId: 200_000, length: 1 }],
      gids: [range],
    });
    await bad("one mapping", { uids: [range], gids: [] });
    await bad("0", { uids: [{ ...range, containerId: 1 }], gids: [{ ...range, containerId: 1 }] });
    await bad("", { uids: [{ ...range, length: 0 }], gids: [range] });
    await bad("", { uids: [{ ...range, hostId: 4_294_967_295 }], gids: [range] });
    await bad("CONTAINER", { mode: CONTAINER, uids: [range], gids: [range] });
    await bad("TARGET", { mode: TARGET, uids: [range], gids: [range] });
    const onHost = { network: NODE, pid: CONTAINER, usernsOptions: { mode: POD, uids: [range], gids: [range] } };
    await badPod("InvalidArgument", "network", {}, onHost as NamespaceInit);
  });

  test("modes that a pod's namespace cannot have", async () => {
    await badPod("InvalidArgument", "TARGET", {}, { ...hostPod, pid: TARGET });
    await badPod("InvalidArgument", "network", {}, { network: TARGET });
    await badPod("InvalidArgument", "mode", {}, { ...hostPod, ipc: 77 as never });
  });

  test("sysctls that are none", async () => {
    const withSysctl = (name: string, value = "1") => ({
      linux: { sysctls: { [name]: value }, securityContext: { namespaceOptions: { pid: CONTAINER } } },
    });
    for (const name of [
      "",
      "net.ipv4.a=b",
      "net.ipv4.x+y",
      "../../etc/passwd",
      "net.ipv4/../../vm.swappiness",
      "kernel.panic",
    ]) {
      await badPod("InvalidArgument", name, withSysctl(name));
    }
    await badPod("InvalidArgument", "no_such_sysctl", withSysctl("net.ipv4.no_such_sysctl"));
    for (const value of ["1+net.core.somaxconn=2", "a=b", "1\n2", "x"]) {
      await badPod(
        "InvalidArgument",
        "ip_unprivileged_port_start",
        withSysctl("net.ipv4.ip_unprivileged_port_start", value),
      );
    }
  });

  test("names, paths and ports that lead astray", async () => {
    const network = { network: POD, pid: CONTAINER };
    await badPod("InvalidArgument", "host name", { hostname: "a".repeat(65) }, network);
    await badPod("InvalidArgument", "host name", { hostname: "two words" }, network);
    await badPod("InvalidArgument", "log directory", { logDirectory: "/var/log/../../etc" });
    await badPod("InvalidArgument", "log directory", { logDirectory: "relative" });
    await badPod("InvalidArgument", "port", { portMappings: [{ hostPort: 70_000, containerPort: 80 }] }, network);
    await badPod("InvalidArgument", "port", { portMappings: [{ hostPort: 8000, containerPort: -1 }] }, network);
    await badPod(
      "InvalidArgument",
      "protocol",
      { portMappings: [{ hostPort: 8000, containerPort: 1, protocol: 9 }] },
      network,
    );
    const hostIp = { hostPort: 8000, containerPort: 80, hostIp: "not an address" };
    await badPod("InvalidArgument", "not an address", { portMappings: [hostIp] }, network);
    await badPod("InvalidArgument", "DNS", { dnsConfig: { servers: ["1.1.1.1\noptions x"] } }, network);
    for (const cgroupParent of ["/../../escape", "../up", "/a/../../b"]) {
      const linux = { cgroupParent, securityContext: { namespaceOptions: hostPod } };
      await badPod("InvalidArgument", cgroupParent, { linux });
    }
  });
});
