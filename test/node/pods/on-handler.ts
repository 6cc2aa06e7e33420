// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import * as cri from "../../../src/gen/runtime/v1/api_pb.js";
import type { TestNode } from "../test-node.ts";
import { idle, manifest, type PodCase, shell } from "./pod-case.ts";

/**
 * A pod on this runtime handler. Without an API server a kubelet knows no runtime classes: the handler must be the
 * daemon's default when the pod is made, or be "untrusted", which an annotation asks for.
 */
export function onHandler(handler: string): PodCase {
  const name = `on-${handler}`;
  return {
    name,
    steady: ["main"],
    manifest: () => {
      const plain = manifest(name, { containers: [shell("main", idle)] });
      if (handler !== "untrusted") return plain;
      const annotations = { "io.kubernetes.cri.untrusted-workload": "true" };
      return { ...plain, metadata: { ...plain.metadata, annotations } };
    },
    async check(node) {
      await node.readyPod(name);
      assert.equal((await sandboxOf(node, name)).handler, handler);
      assert.equal(await node.output(name, "main", "echo alive"), "alive");
    },
  };
}

interface SandboxInfo {
  readonly id: string;
  /** Of the process that stands for the pod; 0 where there is none. */
  readonly pid: number;
  readonly handler: string;
}

/** Of a pod that must have exactly one that is ready; of one that died the kubelet keeps the last container for a while. */
export async function sandboxOf(node: TestNode, name: string): Promise<SandboxInfo> {
  const { items } = await node.runtime.listPodSandbox({
    filter: {
      labelSelector: { "io.kubernetes.pod.name": node.kubelet.podName(name) },
      state: { state: cri.PodSandboxState.SANDBOX_READY },
    },
  });
  const [sandbox] = items;
  assert(sandbox !== undefined && items.length === 1, `pod ${name} has ${items.length} sandboxes`);
  const { info } = await node.runtime.podSandboxStatus({ podSandboxId: sandbox.id, verbose: true });
  const told = JSON.parse(info["info"] ?? "{}") as { readonly pid: number; readonly pod: { readonly handler: string } };
  return { id: sandbox.id, pid: told.pid, handler: told.pod.handler };
}
