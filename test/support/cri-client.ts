// SPDX-License-Identifier: Apache-2.0
// CRI as a kubelet speaks it: gRPC on a daemon's unix socket, with the calls that tests make over and over.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import path from "node:path";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { type Client, Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import * as cri from "../../src/gen/runtime/v1/api_pb.js";
import { eventually } from "./eventually.ts";

export type PodInit = MessageInitShape<typeof cri.PodSandboxConfigSchema>;
export type ContainerInit = MessageInitShape<typeof cri.ContainerConfigSchema>;
export type NamespaceInit = MessageInitShape<typeof cri.NamespaceOptionSchema>;
export type SecurityInit = MessageInitShape<typeof cri.LinuxContainerSecurityContextSchema>;

export interface CriServices {
  readonly runtime: Client<typeof cri.RuntimeService>;
  readonly images: Client<typeof cri.ImageService>;
}

export function criSocket({ state }: { readonly state: string }): string {
  return path.join(state, "cri.sock");
}

export function connectCri(socket: string): CriServices {
  const transport = createGrpcTransport({
    baseUrl: "http://cri",
    // Node's clients give up streams when what they hold exceeds 10 MB.
    nodeOptions: { createConnection: () => connect(socket), maxSessionMemory: 1000 },
    // An idle connection would keep the test's process.
    idleConnectionTimeoutMs: 200,
  });
  return { runtime: createClient(cri.RuntimeService, transport), images: createClient(cri.ImageService, transport) };
}

/** Whatever state they are in; the first failure is thrown when all have been tried. */
export async function removeAllPods(socket: string): Promise<void> {
  const { runtime } = connectCri(socket);
  const { items } = await runtime.listPodSandbox({});
  const results = await Promise.allSettled(items.map(({ id }) => runtime.removePodSandbox({ podSandboxId: id })));
  for (const result of results) if (result.status === "rejected") throw result.reason;
}

export const hostPod = {
  network: cri.NamespaceMode.NODE,
  pid: cri.NamespaceMode.CONTAINER,
} satisfies NamespaceInit;

/** A daemon's CRI, with the directory that logs of its pods go to. */
export class CriTester {
  readonly runtime: CriServices["runtime"];
  readonly images: CriServices["images"];
  readonly logDirectory: string;

  constructor({ state, directory }: { readonly state: string; readonly directory: string }) {
    const { runtime, images } = connectCri(criSocket({ state }));
    this.runtime = runtime;
    this.images = images;
    this.logDirectory = path.join(directory, "pod-logs");
  }

  /** Of a name that no other has. On the host's network, for which nothing must be set up, unless told. */
  podConfig(init: PodInit = {}, namespaces: NamespaceInit = hostPod) {
    const name = `pod-${randomBytes(4).toString("hex")}`;
    return {
      metadata: { name, uid: `uid-${name}`, namespace: "tests", attempt: 0 },
      logDirectory: path.join(this.logDirectory, name),
      ...init,
      linux: { securityContext: { namespaceOptions: namespaces }, ...init.linux },
    } as PodInit;
  }

  async runPod(init: PodInit = {}, namespaces: NamespaceInit = hostPod): Promise<string> {
    const { podSandboxId } = await this.runtime.runPodSandbox({ config: this.podConfig(init, namespaces) });
    return podSandboxId;
  }

  /** Of busybox, sleeping unless told. */
  async create(podSandboxId: string, init: ContainerInit = {}): Promise<string> {
    const { containerId } = await this.runtime.createContainer({ podSandboxId, config: containerConfig(init) });
    return containerId;
  }

  async start(podSandboxId: string, init: ContainerInit = {}): Promise<string> {
    const containerId = await this.create(podSandboxId, init);
    await this.runtime.startContainer({ containerId });
    return containerId;
  }

  /** A container that runs this script. */
  async startScript(podSandboxId: string, script: string, init: ContainerInit = {}): Promise<string> {
    return await this.start(podSandboxId, { command: ["sh", "-c", script], ...init } as ContainerInit);
  }

  /** Runs a script in a container; it must succeed. Its stdout without the last newline. */
  async output(containerId: string, script: string): Promise<string> {
    const { exitCode, stdout, stderr } = await this.exec(containerId, script);
    assert.equal(exitCode, 0, `${script}: ${stdout}${stderr}`);
    return stdout.replace(/\n$/, "");
  }

  async exec(containerId: string, script: string, timeout = 20n) {
    const cmd = ["sh", "-c", script];
    const { exitCode, stdout, stderr } = await this.runtime.execSync({ containerId, cmd, timeout });
    return { exitCode, stdout: Buffer.from(stdout).toString(), stderr: Buffer.from(stderr).toString() };
  }

  /** Until the script succeeds in it. */
  async until(containerId: string, script: string): Promise<void> {
    await eventually(script, async () => (await this.exec(containerId, script)).exitCode === 0 || undefined);
  }

  async status(containerId: string): Promise<cri.ContainerStatus> {
    const { status } = await this.runtime.containerStatus({ containerId });
    assert.ok(status);
    return status;
  }

  /** Its status when it has ended. */
  async exited(containerId: string, deadlineMs?: number): Promise<cri.ContainerStatus> {
    const isOver = async () => {
      const status = await this.status(containerId);
      return status.state === cri.ContainerState.CONTAINER_EXITED ? status : undefined;
    };
    return await eventually(`the end of container ${containerId}`, isOver, deadlineMs);
  }

  async podStatus(podSandboxId: string): Promise<cri.PodSandboxStatus> {
    const { status } = await this.runtime.podSandboxStatus({ podSandboxId });
    assert.ok(status);
    return status;
  }

  async removePod(podSandboxId: string): Promise<void> {
    await this.runtime.stopPodSandbox({ podSandboxId });
    await this.runtime.removePodSandbox({ podSandboxId });
  }

  /** The records of a container's log, as the kubelet takes them apart. */
  async log(containerId: string): Promise<readonly LogRecord[]> {
    const { logPath } = await this.status(containerId);
    return parseLog(await readFile(logPath, "utf8").catch(() => "")); // not written yet
  }
}

/** Of a name that no other has. */
export function containerConfig(init: ContainerInit = {}): ContainerInit {
  return {
    metadata: { name: `c-${randomBytes(4).toString("hex")}`, attempt: 0 },
    image: { image: "busybox:latest" },
    command: ["sleep", "1000"],
    ...init,
  } as ContainerInit;
}

export interface LogRecord {
  readonly time: string;
  readonly stream: string;
  readonly tag: string;
  readonly content: string;
}

export function parseLog(text: string): readonly LogRecord[] {
  return text.split("\n").flatMap((line) => {
    if (line === "") return [];
    const match = /^(\S+) (stdout|stderr) (\S+) (.*)$/s.exec(line);
    assert.ok(match, `no log record: ${JSON.stringify(line.slice(0, 200))}`);
    const [, time = "", stream = "", tag = "", content = ""] = match;
    return [{ time, stream, tag, content }];
  });
}

/** Whether an error is of this code and its message has all of these words: for assert.rejects. */
export function refused(code: keyof typeof Code, ...words: readonly string[]) {
  return (error: unknown): true => {
    assert.ok(error instanceof ConnectError, String(error));
    assert.equal(Code[error.code], code, error.rawMessage);
    for (const word of words) assert.ok(error.rawMessage.includes(word), `"${word}" in: ${error.rawMessage}`);
    return true;
  };
}
