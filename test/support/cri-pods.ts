// SPDX-License-Identifier: Apache-2.0
// Pods that are gone with the scope they were made in, with containers and commands in them.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type * as cri from "../../src/gen/runtime/v1/api_pb.js";
import {
  type ContainerInit,
  type CriServices,
  connectCri,
  containerConfig,
  criSocket,
  hostPod,
  type NamespaceInit,
  type SecurityInit,
} from "./cri-client.ts";

export type { ContainerInit } from "./cri-client.ts";

export type PodInit = MessageInitShape<typeof cri.LinuxPodSandboxConfigSchema> & {
  readonly namespaces?: NamespaceInit;
  readonly privileged?: boolean;
  readonly handler?: string;
  readonly logDirectory?: string;
};

/** The runtime service of a daemon. */
export function criClient(daemon: { readonly state: string }): CriServices["runtime"] {
  return connectCri(criSocket(daemon)).runtime;
}

/** A pod, removed with all its containers at the end of the scope. */
export class TestPod implements AsyncDisposable {
  readonly id: string;
  readonly client: CriServices["runtime"];

  private constructor(client: CriServices["runtime"], id: string) {
    this.client = client;
    this.id = id;
  }

  /** Of the host's network and with a PID namespace for each container, unless told. */
  static async run(client: CriServices["runtime"], init: PodInit = {}): Promise<TestPod> {
    const { namespaces, privileged = false, handler = "", logDirectory = "", ...linux } = init;
    const name = `pod-${randomBytes(4).toString("hex")}`;
    const { podSandboxId } = await client.runPodSandbox({
      runtimeHandler: handler,
      config: {
        metadata: { name, uid: name, namespace: "tests" },
        logDirectory,
        linux: {
          ...linux,
          securityContext: { namespaceOptions: { ...hostPod, ...namespaces }, privileged },
        } as MessageInitShape<typeof cri.LinuxPodSandboxConfigSchema>,
      },
    });
    return new TestPod(client, podSandboxId);
  }

  /** Makes a container of busybox, sleeping unless told; its id. */
  async create(init: ContainerInit = {}): Promise<string> {
    const config = containerConfig(init);
    return (await this.client.createContainer({ podSandboxId: this.id, config })).containerId;
  }

  /** The same, started. */
  async start(init: ContainerInit = {}): Promise<string> {
    const containerId = await this.create(init);
    await this.client.startContainer({ containerId });
    return containerId;
  }

  /** The same, with this security context. */
  async startWith(securityContext: SecurityInit, init: ContainerInit = {}): Promise<string> {
    return await this.start({ ...init, linux: { securityContext } } as ContainerInit);
  }

  /** Runs a script in a container; it must succeed. Its stdout without the last newline. */
  async output(containerId: string, script: string): Promise<string> {
    const { exitCode, stdout, stderr } = await this.run(containerId, script);
    assert.equal(exitCode, 0, `${script}: ${stdout}${stderr}`);
    return stdout.replace(/\n$/, "");
  }

  async run(containerId: string, script: string) {
    const cmd = ["sh", "-c", script];
    const { exitCode, stdout, stderr } = await this.client.execSync({ containerId, cmd, timeout: 10n });
    return { exitCode, stdout: Buffer.from(stdout).toString(), stderr: Buffer.from(stderr).toString() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.stopPodSandbox({ podSandboxId: this.id });
    await this.client.removePodSandbox({ podSandboxId: this.id });
  }
}
