// SPDX-License-Identifier: Apache-2.0
// The machine of a run: a daemon, a kubelet on it, and what cases and phases ask them for.

import assert from "node:assert/strict";
import { chmod, mkdir } from "node:fs/promises";
import { connect } from "node:net";
import path from "node:path";
import { type Client, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import * as cri from "../../src/gen/runtime/v1/api_pb.js";
import { criClient } from "../support/cri-pods.ts";
import type { TestDaemon } from "../support/daemon.ts";
import { type ContainerStatus, containerId, containerStatus, isReady, type Pod } from "./kubelet/api.ts";
import type { Kubelet } from "./kubelet/kubelet.ts";

const pollMs = 500;

export class TestNode {
  readonly daemon: TestDaemon;
  readonly kubelet: Kubelet;
  readonly runtime: Client<typeof cri.RuntimeService>;
  readonly images: Client<typeof cri.ImageService>;
  /** A free port of the machine. */
  readonly hostPort: number;
  readonly #shared: string;

  constructor(parts: {
    readonly daemon: TestDaemon;
    readonly kubelet: Kubelet;
    readonly hostPort: number;
    /** Holds the directories that pods share with the machine. */
    readonly shared: string;
  }) {
    this.daemon = parts.daemon;
    this.kubelet = parts.kubelet;
    this.hostPort = parts.hostPort;
    this.#shared = parts.shared;
    this.runtime = criClient(parts.daemon);
    this.images = imageClient(parts.daemon);
  }

  /** What a pod sees as /host. */
  sharedDirectory(name: string): string {
    return path.join(this.#shared, name);
  }

  /** Makes it; pods write there as ordinary users. */
  async makeSharedDirectory(name: string): Promise<void> {
    await mkdir(this.sharedDirectory(name), { recursive: true });
    await chmod(this.sharedDirectory(name), 0o777);
  }

  /** A pod that must be there. */
  async pod(name: string): Promise<Pod> {
    const pod = await this.kubelet.findPod(name);
    assert(pod !== undefined, `there is no pod ${name}`);
    return pod;
  }

  async readyPod(name: string): Promise<Pod> {
    const pod = await this.pod(name);
    assert(isReady(pod), `pod ${name} is not ready: ${JSON.stringify(pod.status)}`);
    return pod;
  }

  async container(pod: string, name: string): Promise<ContainerStatus> {
    const status = containerStatus(await this.pod(pod), name);
    assert(status !== undefined, `pod ${pod} has no status of ${name} yet`);
    return status;
  }

  /** Runs a script in a container; it must succeed. Its stdout without the last newline. */
  async output(pod: string, container: string, script: string): Promise<string> {
    const id = containerId(await this.container(pod, container));
    assert(id !== undefined, `container ${container} of pod ${pod} was not made yet`);
    const reply = await this.runtime.execSync({ containerId: id, cmd: ["sh", "-c", script], timeout: 10n });
    const [stdout, stderr] = [reply.stdout, reply.stderr].map((bytes) => Buffer.from(bytes).toString());
    assert.equal(reply.exitCode, 0, `${script}: ${stdout}${stderr}`);
    return (stdout ?? "").replace(/\n$/, "");
  }
}

/** Waits until a check throws no more; then fails with what it threw last. */
export async function holds(what: string, check: () => Promise<void>, deadlineMs = 120_000): Promise<void> {
  const deadline = Date.now() + deadlineMs;
  for (;;) {
    try {
      await check();
      return;
    } catch (error) {
      if (Date.now() > deadline) throw new Error(`${what}: does not come to hold`, { cause: error });
    }
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

function imageClient(daemon: TestDaemon): Client<typeof cri.ImageService> {
  const transport = createGrpcTransport({
    baseUrl: "http://cri",
    nodeOptions: { createConnection: () => connect(`${daemon.state}/cri.sock`) },
    idleConnectionTimeoutMs: 200,
  });
  return createClient(cri.ImageService, transport);
}
