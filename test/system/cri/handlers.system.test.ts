// SPDX-License-Identifier: Apache-2.0
// Runtime handlers: which one a pod gets, and one whose pods have a container of their own that stands for them.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { suite, test } from "node:test";
import { startDockerRegistry } from "../../../src/drivers/registry/http/testing/docker-registry.ts";
import { NamespaceMode, PodSandboxState } from "../../../src/gen/runtime/v1/api_pb.js";
import { findProcess } from "../../../src/linux/process/process-identity.ts";
import { CriTester, hostPod, refused } from "../../support/cri-client.ts";
import { eventually, startDaemon } from "../../support/daemon.ts";
import { assertSameTraces, tracesOf } from "../../support/engine-traces.ts";

const untrusted = [
  { "io.kubernetes.cri-o.TrustedSandbox": "false" },
  { "io.kubernetes.cri.untrusted-workload": "true" },
];
const isolated = { network: NamespaceMode.POD, pid: NamespaceMode.CONTAINER };

function configuration(sandboxImage: string): string {
  const runc = 'driver = "shim"\nshim = "containerd-shim-runc-v2"\nbinary = "runc"\n';
  return `[runtime]
default = "plain"
[runtime.handlers.plain]
${runc}
[runtime.handlers.paused]
${runc}sandboxer = "task"
sandbox_image = "${sandboxImage}"
[runtime.handlers.untrusted]
${runc}`;
}

suite("runtime handlers", () => {
  test("a pod gets the one that it asks for", { timeout: 120_000 }, async (t) => {
    const registry = await startDockerRegistry();
    t.after(async () => await registry[Symbol.asyncDispose]());
    const image = `${registry.domain}/pause:v1`;
    const daemon = await startDaemon(t, { config: configuration(image) });
    await daemon.importBusybox();
    await daemon.importBusybox(image, ['CMD ["sleep", "2000"]']);
    await daemon.client.images.push(image);
    await daemon.client.images.remove(image);
    const cri = new CriTester(daemon);
    const { runtime } = cri;
    const run = async (runtimeHandler: string, annotations = {}, namespaces = isolated) => {
      const config = cri.podConfig({ annotations }, namespaces);
      return (await runtime.runPodSandbox({ config, runtimeHandler })).podSandboxId;
    };
    const handlerOf = async (podSandboxId: string) => {
      const { status, info } = await runtime.podSandboxStatus({ podSandboxId, verbose: true });
      const { pod, pid } = JSON.parse(info["info"] ?? "") as {
        readonly pod: { handler: string };
        readonly pid: number;
      };
      return { asked: status?.runtimeHandler, handler: pod.handler, pid };
    };

    await t.test("by name, or the default one", async () => {
      const { runtimeHandlers } = await runtime.status({});
      assert.deepEqual(runtimeHandlers.map(({ name }) => name).sort(), ["", "paused", "plain", "untrusted"]);
      for (const [name, expected] of [
        ["", "plain"],
        ["plain", "plain"],
        ["untrusted", "untrusted"],
      ] as const) {
        const pod = await run(name);
        assert.deepEqual(await handlerOf(pod), { asked: name, handler: expected, pid: 0 });
        const { items } = await runtime.listPodSandbox({ filter: { id: pod } });
        assert.equal(items[0]?.runtimeHandler, name);
        await cri.removePod(pod);
      }
      await assert.rejects(run("unheard-of"), refused("NotFound", "unheard-of"));
    });

    await t.test("by old annotations, unless it asks by name or for the host", async () => {
      for (const annotations of untrusted) {
        const pod = await run("", annotations);
        assert.equal((await handlerOf(pod)).handler, "untrusted");
        await cri.removePod(pod);
        const named = await run("plain", annotations);
        assert.equal((await handlerOf(named)).handler, "plain");
        await cri.removePod(named);
        await assert.rejects(run("", annotations, hostPod), refused("InvalidArgument", "untrusted"));
      }
      assert.deepEqual((await runtime.listPodSandbox({})).items, []);
    });

    await t.test("with a container that stands for the pod, from an image that is pulled", async () => {
      const first = await run("paused");
      await cri.removePod(first);
      const before = await tracesOf(daemon);
      const pod = await run("paused");
      const { pid } = await handlerOf(pod);
      assert.equal(await readFile(`/proc/${pid}/cmdline`, "utf8"), "sleep\u00002000\u0000");
      assert.match(await readFile(`/proc/${pid}/cgroup`, "utf8"), new RegExp(pod));
      const id = await cri.start(pod);
      assert.equal(await cri.output(id, "echo in there"), "in there");
      assert.deepEqual(
        (await runtime.listContainers({})).containers.map((one) => one.id),
        [id],
        "it is not shown",
      );
      await daemon.kill();
      await daemon.start();
      assert.equal((await cri.podStatus(pod)).state, PodSandboxState.SANDBOX_READY);
      assert.equal((await handlerOf(pod)).pid, pid, "the same one");
      assert.equal(await cri.output(id, "echo still there"), "still there");
      process.kill(pid, "SIGKILL");
      await eventually("the end of the pod", async () =>
        (await cri.podStatus(pod)).state === PodSandboxState.SANDBOX_NOTREADY ? true : undefined,
      );
      await cri.removePod(pod);
      assert.equal((await findProcess(pid))?.state ?? "Z", "Z");
      await assertSameTraces(daemon, before);
    });
  });
});
