// SPDX-License-Identifier: Apache-2.0
// What tests of Kubernetes' face do over and over: pods of the host's network, containers in them, commands in those.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { connect } from "node:net";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { type Client, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import * as cri from "../../src/gen/runtime/v1/api_pb.js";
import type { TestDaemon } from "./daemon.ts";

export type PodInit = MessageInitShape<typeof cri.LinuxPodSandboxConfigSchema> & {
  readonly namespaces?: MessageInitShape<typeof cri.NamespaceOptionSchema>;
  readonly privileged?: boolean;
  readonly handler?: string;
  readonly logDirectory?: string;
};
export type ContainerInit = MessageInitShape<typeof cri.ContainerConfigSchema>;

const { NODE, CONTAINER } = cri.NamespaceMode;

/** The runtime service of a daemon. */
export function criClient(daemon: TestDaemon): Client<typeof cri.RuntimeService> {
  const transport = createGrpcTransport({
    baseUrl: "http://cri",
    nodeOptions: { createConnection: () => connect(`${daemon.state}/cri.sock`) },
    // An idle connection would keep the test's process.
    idleConnectionTimeoutMs: 200,
  });
  return createClient(cri.RuntimeService, transport);
}

/** A pod, removed with all its containers at the end of the scope. */
export class TestPod implements AsyncDisposable {
  readonly id: string;
  readonly client: Client<typeof cri.RuntimeService>;

  private constructor(client: Client<typeof cri.RuntimeService>, id: string) {
    this.client = client;
    this.id = id;
  }

  /** Of the host's network and with a PID namespace for each container, unless told. */
  static async run(client: Client<typeof cri.RuntimeService>, init: PodInit = {}): Promise<TestPod> {
    const { namespaces, privileged = false, handler = "", logDirectory = "", ...linux } = init;
    const name = `pod-${randomBytes(4).toString("hex")}`;
    const { podSandboxId } = await client.runPodSandbox({
      runtimeHandler: handler,
      config: {
        metadata: { name, uid: name, namespace: "tests" },
        logDirectory,
        linux: {
          ...linux,
          securityContext: { namespaceOptions: { network: NODE, pid: CONTAINER, ...namespaces }, privileged },
        } as MessageInitShape<typeof cri.LinuxPodSandboxConfigSchema>,
      },
    });
    return new TestPod(client, podSandboxId);
  }

  /** Makes a container of busybox; its id. */
  async create(config: ContainerInit = {}): Promise<string> {
    const { containerId } = await this.client.createContainer({
      podSandboxId: this.id,
      config: {
        metadata: { name: `c-${randomBytes(4).toString("hex")}` },
        image: { image: "busybox:latest" },
        command: ["sleep", "1000"],
        ...config,
      } as ContainerInit,
    });
    return containerId;
  }

  /** The same, started. */
  async start(config: ContainerInit = {}): Promise<string> {
    const containerId = await this.create(config);
    await this.client.startContainer({ containerId });
    return containerId;
  }

  /** The same, with this security context. */
  async startWith(
    securityContext: MessageInitShape<typeof cri.LinuxContainerSecurityContextSchema>,
    config: ContainerInit = {},
  ): Promise<string> {
    return await this.start({ ...config, linux: { securityContext } } as ContainerInit);
  }

  /** Runs a script in a container; it must succeed. Its stdout without the last newline. */
  async output(containerId: string, script: string): Promise<string> {
    const { exitCode, stdout, stderr } = await this.run(containerId, script);
    assert.equal(exitCode, 0, `${script}: ${stdout}${stderr}`);
    return stdout.replace(/\n$/, "");
  }

  async run(containerId: string, script: string) {
    const { exitCode, stdout, stderr } = await this.client.execSync({
      containerId,
      cmd: ["sh", "-c", script],
      timeout: 10n,
    });
    return { exitCode, stdout: Buffer.from(stdout).toString(), stderr: Buffer.from(stderr).toString() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.stopPodSandbox({ podSandboxId: this.id });
    await this.client.removePodSandbox({ podSandboxId: this.id });
  }
}
