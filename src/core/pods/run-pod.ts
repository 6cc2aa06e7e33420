// SPDX-License-Identifier: Apache-2.0
// Makes a pod: namespaces, network and files, its cgroup, the task that stands for it where it needs one, and then the
// word to hooks. Whatever fails, everything is taken back, and the pod was never to be seen; only what cannot be taken
// back yet is, not ready.

import { failpoint } from "../../base/failpoint.ts";
import { newId, type SandboxId } from "../../base/ids.ts";
import { cleanup } from "../../base/lifetime.ts";
import type { Engine } from "../lifecycle/engine.ts";
import { activatePodSharedMemory, deactivatePodSharedMemory } from "../lifecycle/prepare/shared-memory.ts";
import { podView } from "../lifecycle/state/hook-views.ts";
import type { Pod, PodConfig } from "../sandboxes/pod.ts";
import type { PodRecord } from "../sandboxes/sandbox.ts";
import type { SandboxStart } from "../sandboxes/sandbox-service.ts";
import type { UsableHandler } from "../tasks/handler-table.ts";
import { checkPodConfig } from "./check-pod-config.ts";
import { checkTrust, chooseHandler } from "./choose-handler.ts";
import { podEvent } from "./pod-events.ts";
import { purgePodTask, startPodTask } from "./pod-task.ts";

/** Ready when it returns. already-exists when the name is taken, not-found for an unknown handler. */
export async function runPod(
  engine: Engine,
  config: PodConfig,
  { signal }: { readonly signal: AbortSignal },
): Promise<PodRecord> {
  checkPodConfig(config, engine.host);
  checkTrust(config);
  const { runtimeHandler, annotations } = config;
  const usable = await chooseHandler(engine, { runtimeHandler, annotations }, { signal });
  const id = newId<SandboxId>();
  const pod = newPod(engine, id, config, usable);
  await using undo = new AsyncDisposableStack();
  const started = await engine.sandboxes.start(await sandboxStart(engine, { id, config, pod }), { signal });
  undo.defer(async () => await cleanup(async () => await engine.sandboxes.takeBack(id)));
  // Before its record, by which the next daemon would know of it.
  undo.defer(async () => await cleanup(async () => await removePodCgroup(engine, pod)));
  let record = { ...started.record, pod };
  await failpoint("run-pod:sandbox");
  undo.defer(async () => await cleanup(async () => await deactivatePodSharedMemory(engine, record)));
  await activatePodSharedMemory(engine, record);
  if (pod.hasTask) {
    undo.defer(async () => await cleanup(async (fresh) => await purgePodTask(engine, record, { signal: fresh })));
    record = await startPodTask(engine, record, { usable, signal });
  }
  await failpoint("run-pod:task");
  using hooks = engine.hooks.enter();
  await hooks.runPodSandbox(podView(engine, record), { signal });
  await using undoHook = new AsyncDisposableStack();
  undoHook.defer(
    async () =>
      await cleanup(async (fresh) => await hooks.removePodSandbox(podView(engine, record), { signal: fresh })),
  );
  await failpoint("run-pod:hooked");
  record = await engine.sandboxes.updatePod(id, { phase: "started" });
  undoHook.move();
  undo.move();
  engine.events.publish(podEvent("create", record));
  engine.events.publish(podEvent("start", record));
  return record;
}

function newPod(engine: Engine, id: SandboxId, config: PodConfig, { handler }: UsableHandler): Pod {
  const ownsCgroup = config.cgroupParent === "" && !handler.systemdCgroup;
  return {
    config,
    handler: handler.name,
    phase: "starting",
    cgroupParent: ownsCgroup ? `${engine.settings.cgroupParent}/pod-${id}` : config.cgroupParent,
    ownsCgroup,
    hasTask: config.pid === "pod" || handler.sandboxer === "task",
    pid: 0,
  };
}

interface NewPod {
  readonly id: SandboxId;
  readonly config: PodConfig;
  readonly pod: Pod;
}

async function sandboxStart(engine: Engine, { id, config, pod }: NewPod): Promise<SandboxStart> {
  const { metadata, dns } = config;
  const isOnHost = config.network === "host";
  return {
    id,
    hostname: config.hostname === "" && isOnHost ? engine.host.hostname : config.hostname,
    network: isOnHost ? "host" : "own",
    networks: isOnHost ? [] : [{ name: await engine.networks.podNetwork(), aliases: [] }],
    ports: isOnHost ? [] : config.ports,
    ipc: config.ipc === "host" ? "host" : "own",
    // Who shares the host's network has its name too.
    uts: isOnHost ? "host" : "own",
    extraHosts: [],
    dns: dns?.servers ?? [],
    dnsSearch: dns?.searches ?? [],
    dnsOptions: dns?.options ?? [],
    sysctls: { ...defaultSysctls(config), ...config.sysctls },
    networkArguments: {
      IgnoreUnknown: "1",
      K8S_POD_NAMESPACE: metadata.namespace,
      K8S_POD_NAME: metadata.name,
      K8S_POD_INFRA_CONTAINER_ID: id,
      K8S_POD_UID: metadata.uid,
    },
    pod,
  };
}

/** As containerd since 2.0: in a network of its own a pod needs no privilege for low ports and for ping. */
function defaultSysctls(config: PodConfig): Readonly<Record<string, string>> {
  if (config.network === "host") return {};
  // In a user namespace only groups that it maps can be named.
  const groups = config.userNamespace?.gidMappings.reduce((sum, { size }) => sum + size, 0) ?? 2_147_483_648;
  return {
    "net.ipv4.ip_unprivileged_port_start": "0",
    "net.ipv4.ping_group_range": `0 ${groups - 1}`,
  };
}

/** The cgroup that was made for the pod alone; somebody else's stays. */
export async function removePodCgroup(engine: Engine, pod: Pod): Promise<void> {
  if (pod.ownsCgroup) await engine.cgroups.removeEmpty(pod.cgroupParent);
}
