// SPDX-License-Identifier: Apache-2.0
// Pods of one speciality each, which run from beginning to end.

import assert from "node:assert/strict";
import { readFile, readlink } from "node:fs/promises";
import path from "node:path";
import { containerStatus } from "../kubelet/api.ts";
import type { TestNode } from "../test-node.ts";
import { hostMount, hostVolume, idle, images, manifest, type PodCase, shell } from "./pod-case.ts";

/** A port of the machine leads to it. */
export const published: PodCase = {
  name: "published",
  steady: ["web"],
  manifest: ({ hostPort }) =>
    manifest("published", {
      containers: [{ name: "web", image: images.nginx, ports: [{ containerPort: 80, hostPort }] }],
    }),
  async check(node) {
    await node.readyPod("published");
    const response = await fetch(`http://127.0.0.1:${node.hostPort}/`, { signal: AbortSignal.timeout(5000) });
    assert.match(await response.text(), /nginx/);
  },
};

/** Requests and limits as its cgroup has them. */
export const limited: PodCase = {
  name: "limited",
  steady: ["main"],
  manifest: () =>
    manifest("limited", {
      containers: [
        shell("main", idle, {
          resources: { requests: { cpu: "100m", memory: "32Mi" }, limits: { cpu: "250m", memory: "64Mi" } },
        }),
      ],
    }),
  async check(node) {
    const pod = await node.readyPod("limited");
    assert.equal(pod.status.qosClass, "Burstable");
    const read = (...files: readonly string[]) =>
      node.output("limited", "main", `cd /sys/fs/cgroup && cat ${files.join(" ")}`);
    const isUnified = (await node.output("limited", "main", "ls /sys/fs/cgroup")).includes("cgroup.controllers");
    if (isUnified) {
      assert.equal(await read("memory.max", "cpu.max"), `${64 << 20}\n25000 100000`);
    } else {
      const files = ["memory/memory.limit_in_bytes", "cpu/cpu.cfs_quota_us", "cpu/cpu.shares"];
      assert.equal(await read(...files), `${64 << 20}\n25000\n102`);
    }
  },
};

/** Hooks after its start and before its end. */
export const hooked: PodCase = {
  name: "hooked",
  steady: ["main"],
  manifest: (node) =>
    manifest("hooked", {
      volumes: [hostVolume(node, "hooked")],
      containers: [
        shell("main", `${idle.replace("exit 0", "echo end >> /host/hooks; exit 0")}`, {
          volumeMounts: [hostMount],
          lifecycle: {
            postStart: { exec: { command: ["sh", "-c", "echo post-start >> /host/hooks"] } },
            preStop: { exec: { command: ["sh", "-c", "echo pre-stop >> /host/hooks"] } },
          },
        }),
      ],
    }),
  async check(node) {
    await node.readyPod("hooked");
    assert.equal(await hooks(node), "post-start\n");
  },
  async checkRemoved(node) {
    assert.equal(await hooks(node), "post-start\npre-stop\nend\n");
  },
};

async function hooks(node: TestNode): Promise<string> {
  return await readFile(path.join(node.sharedDirectory("hooked"), "hooks"), "utf8");
}

/** Containers that see each other's processes. */
export const sharing: PodCase = {
  name: "sharing",
  steady: ["first", "second"],
  manifest: () =>
    manifest("sharing", {
      shareProcessNamespace: true,
      containers: [shell("first", `# the first one\n${idle}`), shell("second", `# the second one\n${idle}`)],
    }),
  async check(node) {
    await node.readyPod("sharing");
    assert.match(await node.output("sharing", "second", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '"), /the first one/);
  },
};

/** In the machine's own namespaces. */
export const unconfined: PodCase = {
  name: "unconfined",
  steady: ["main"],
  manifest: () =>
    manifest("unconfined", {
      hostNetwork: true,
      hostPID: true,
      hostIPC: true,
      containers: [shell("main", idle, { securityContext: { privileged: true } })],
    }),
  async check(node) {
    await node.readyPod("unconfined");
    const names = ["net", "pid", "ipc"];
    const seen = await node.output(
      "unconfined",
      "main",
      names.map((name) => `readlink /proc/self/ns/${name}`).join(";"),
    );
    assert.deepEqual(seen.split("\n"), await Promise.all(names.map((name) => readlink(`/proc/self/ns/${name}`))));
  },
};

/** In a user namespace: its root is nobody outside. */
export const mapped: PodCase = {
  name: "mapped",
  steady: ["main"],
  manifest: () =>
    manifest("mapped", {
      hostUsers: false,
      volumes: [{ name: "work", emptyDir: {} }],
      containers: [shell("main", idle, { volumeMounts: [{ name: "work", mountPath: "/work" }] })],
    }),
  async check(node) {
    await node.readyPod("mapped");
    const script = "id -u; touch /work/mine && stat -c %u /work/mine; awk '{ print $2 }' /proc/self/uid_map";
    const [inside, owner, outside] = (await node.output("mapped", "main", script)).split("\n").map(Number);
    assert.deepEqual([inside, owner], [0, 0]);
    assert((outside ?? 0) >= 65_536, `it is mapped to ${outside}`);
  },
};

/** An image as a volume. */
export const imageVolume: PodCase = {
  name: "image-volume",
  steady: ["main"],
  manifest: () =>
    manifest("image-volume", {
      volumes: [{ name: "files", image: { reference: images.first, pullPolicy: "IfNotPresent" } }],
      containers: [shell("main", idle, { volumeMounts: [{ name: "files", mountPath: "/files" }] })],
    }),
  async check(node) {
    await node.readyPod("image-volume");
    assert.equal(await node.output("image-volume", "main", "cat /files/test-image-1"), "test-image-1");
  },
};

/** Its manifest changes: another image then. */
export function changing(version: "second" | "third"): PodCase {
  return {
    name: "changing",
    steady: ["main"],
    manifest: () =>
      manifest("changing", {
        containers: [shell("main", idle, { image: images[version], env: [{ name: "VERSION", value: version }] })],
      }),
    async check(node) {
      const status = containerStatus(await node.readyPod("changing"), "main");
      assert.equal(status?.image, images[version]);
      assert.equal(
        await node
          .output("changing", "main", "echo $VERSION; ls / | grep test-image")
          .then((text) => text.split("\n")[0]),
        version,
      );
    },
  };
}
