// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { cluster } from "../kubelet/config.ts";
import type { TestNode } from "../test-node.ts";
import { hostMount, hostVolume, manifest, type PodCase, shell } from "./pod-case.ts";

const name = "orderly";
const mounts = [hostMount, { name: "work", mountPath: "/work" }];

/** Says on the machine when it begins and when it is told to end. */
function recorded(container: string, rest: Readonly<Record<string, unknown>> = {}) {
  const script = `trap 'echo "${container} ends" >> /host/order; exit 0' TERM
    echo ${container} >> /host/order; touch /tmp/started; while :; do sleep 1 & wait $!; done`;
  return shell(container, script, { volumeMounts: mounts, ...rest });
}

/** Init containers, a sidecar between them, every kind of volume, and an ordinary user. */
export const orderly: PodCase = {
  name,
  steady: ["sidecar", "main"],
  manifest: (node) =>
    manifest(name, {
      securityContext: {
        runAsUser: 1000,
        runAsGroup: 1001,
        fsGroup: 2000,
        seccompProfile: { type: "RuntimeDefault" },
      },
      volumes: [
        hostVolume(node, name),
        { name: "work", emptyDir: {} },
        { name: "memory", emptyDir: { medium: "Memory", sizeLimit: "8Mi" } },
        // A projected one needs an API server, even for this.
        { name: "about", downwardAPI: { items: aboutItems } },
      ],
      initContainers: [
        shell("prepare", "echo prepare >> /host/order && echo prepared > /work/state", { volumeMounts: mounts }),
        recorded("sidecar", {
          restartPolicy: "Always",
          startupProbe: { exec: { command: ["test", "-f", "/tmp/started"] }, periodSeconds: 1, failureThreshold: 60 },
        }),
        shell("second", "echo second >> /host/order && cat /work/state", { volumeMounts: mounts }),
      ],
      containers: [
        recorded("main", {
          resources: { limits: { memory: "64Mi" } },
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
          volumeMounts: [...mounts, { name: "memory", mountPath: "/memory" }, { name: "about", mountPath: "/about" }],
        }),
      ],
    }),
  async check(node) {
    await node.readyPod(name);
    assert.deepEqual(await order(node), ["prepare", "sidecar", "second", "main"]);
    const script = `cat /work/state /about/labels; echo; cat /about/memory; echo
      id -u; id -g; id -G; grep -E '^(CapEff|NoNewPrivs|Seccomp):' /proc/self/status | tr -d '\\t'
      grep -c ' /memory tmpfs ' /proc/mounts; touch /memory/mine && stat -c %g /memory/mine
      grep -E '^(nameserver|search)' /etc/resolv.conf; hostname`;
    assert.deepEqual((await node.output(name, "main", script)).split("\n"), [
      "prepared",
      `app="${name}"`,
      String(64 * 1024 * 1024),
      "1000",
      "1001",
      "1001 2000",
      "CapEff:0000000000000000",
      "NoNewPrivs:1",
      "Seccomp:2",
      "1",
      "2000",
      `nameserver ${cluster.nameServer}`,
      `search default.svc.${cluster.domain} svc.${cluster.domain} ${cluster.domain}`,
      node.kubelet.podName(name),
    ]);
  },
  async checkRemoved(node) {
    assert.deepEqual((await order(node)).slice(4), ["main ends", "sidecar ends"]);
  },
};

const aboutItems = [
  { path: "labels", fieldRef: { fieldPath: "metadata.labels" } },
  { path: "memory", resourceFieldRef: { containerName: "main", resource: "limits.memory" } },
];

async function order(node: TestNode): Promise<readonly string[]> {
  return (await readFile(path.join(node.sharedDirectory(name), "order"), "utf8")).trim().split("\n");
}
