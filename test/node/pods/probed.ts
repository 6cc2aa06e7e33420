// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { containerStatus, isReady } from "../kubelet/api.ts";
import { holds, type TestNode } from "../test-node.ts";
import { hostMount, hostVolume, idle, images, manifest, type PodCase, shell } from "./pod-case.ts";

const name = "probed";
const often = { periodSeconds: 1, timeoutSeconds: 5 };

/** The same question as probe of all three kinds. */
function probes(handler: object) {
  const [startupProbe, readinessProbe, livenessProbe] = [60, 3, 10].map((failureThreshold) => ({
    ...handler,
    ...often,
    failureThreshold,
  }));
  return { startupProbe, readinessProbe, livenessProbe };
}

const command = (script: string) => ({ exec: { command: ["sh", "-c", script] } });

/** Startup, readiness and liveness probes, each over HTTP, TCP and by a command. */
export const probed: PodCase = {
  name,
  steady: ["http", "tcp"],
  manifest: (node) =>
    manifest(name, {
      volumes: [hostVolume(node, name)],
      containers: [
        { name: "http", image: images.nginx, ...probes({ httpGet: { path: "/", port: 80 } }) },
        shell("tcp", "mkdir -p /www && exec httpd -f -p 8080 -h /www", probes({ tcpSocket: { port: 8080 } })),
        shell("command", `rm -f /host/dead; touch /host/ready /tmp/started; ${idle}`, {
          volumeMounts: [hostMount],
          startupProbe: { ...command("test -f /tmp/started"), ...often, failureThreshold: 60 },
          readinessProbe: { ...command("test -f /host/ready"), ...often, failureThreshold: 1 },
          livenessProbe: { ...command("test ! -f /host/dead"), ...often, failureThreshold: 2 },
        }),
      ],
    }),
  async check(node) {
    await node.readyPod(name);
  },
};

/** What the probes answer decides: on readiness, and on whether a container lives on. */
export async function obeyProbes(node: TestNode): Promise<void> {
  const file = (which: string) => path.join(node.sharedDirectory(name), which);
  await rm(file("ready"));
  await holds("a failing readiness probe takes the readiness", async () => {
    const pod = await node.pod(name);
    assert.deepEqual([isReady(pod), containerStatus(pod, "command")?.ready], [false, false]);
  });
  await writeFile(file("ready"), "");
  await holds("a readiness probe that succeeds again gives it back", async () => void (await node.readyPod(name)));
  const { restartCount } = await node.container(name, "command");
  await writeFile(file("dead"), "");
  await holds("a failing liveness probe restarts the container", async () => {
    const status = containerStatus(await node.readyPod(name), "command");
    assert.equal(status?.restartCount, restartCount + 1);
    // It took the signal; nobody had to kill it.
    assert.equal(status.lastState.terminated?.exitCode, 0);
  });
}
