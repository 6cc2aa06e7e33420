// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import type { SandboxId } from "../../../base/ids.ts";
import { openMemoryStore } from "../../../storage/memory/memory-store.ts";
import type { ContainerConfig } from "../../containers/container-config.ts";
import { ContainerRegistry } from "../../containers/container-registry.ts";
import { containerConfig, hostFacts } from "../../containers/testing/spec-inputs.ts";
import { checkRequest } from "./check-request.ts";

const engine = {
  host: hostFacts({ apparmor: true }),
  registry: new ContainerRegistry({ store: openMemoryStore() }),
  securityModules: { apparmorProfiles: async () => new Set(["loaded", "odd name"]) },
};
const check = async (config: Partial<ContainerConfig>, pod?: string) =>
  await checkRequest(engine, containerConfig(config), pod === undefined ? undefined : { id: pod as SandboxId });

test("an apparmor profile has to be loaded; none has not", async () => {
  const confined = async (...securityOptions: readonly string[]) => await check({ securityOptions });
  assert.deepEqual(await confined(), []);
  await confined("apparmor=unconfined");
  await confined("apparmor=loaded");
  await confined("apparmor=odd name");
  await assert.rejects(confined("apparmor=other"), {
    code: "failed-precondition",
    message: "apparmor profile other is not loaded on this host",
  });
});

test("what is a pod's is for its containers only", async () => {
  const pod = { networkMode: "pod", ipcMode: "pod", utsMode: "pod", pidMode: "pod", usernsMode: "pod" };
  assert.deepEqual(await check(pod, "p1"), []);
  for (const [mode, what] of Object.entries({
    networkMode: "network",
    ipcMode: "IPC",
    utsMode: "UTS",
    pidMode: "PID",
    usernsMode: "USER",
  })) {
    await assert.rejects(check({ [mode]: "pod" }), {
      code: "invalid-argument",
      message: `invalid ${what} mode: pod: the container belongs to no pod`,
    });
  }
  await assert.rejects(check({ ...pod, pidMode: "container:none" }, "p1"), { code: "not-found" });
});
