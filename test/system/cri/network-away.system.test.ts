// SPDX-License-Identifier: Apache-2.0
// Pods whose network plugin can neither attach nor detach them for a while, as a cluster's when its server is away.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { PodSandboxState } from "../../../src/gen/runtime/v1/api_pb.js";
import { CriTester, type PodInit, refused } from "../../support/cri-client.ts";
import { eventually, startDaemon, type TestDaemon } from "../../support/daemon.ts";

/** Fails while there is a file "away" beside it, and waits before it adds while there is one called "wait". */
const plugin = `#!/bin/sh
cat > /dev/null
here=$(dirname "$0")
if [ "$CNI_COMMAND" = VERSION ]; then echo '{"cniVersion":"1.0.0","supportedVersions":["1.0.0"]}'; exit; fi
if [ "$CNI_COMMAND" = ADD ]; then while [ -e "$here/wait" ]; do touch "$here/waits"; sleep 0.02; done; fi
if [ -e "$here/away" ]; then echo '{"code":11,"msg":"the server is away"}'; exit 1; fi
if [ "$CNI_COMMAND" = ADD ]; then
  echo '{"cniVersion":"1.0.0","interfaces":[{"name":"eth0","sandbox":"'$CNI_NETNS'"}],"ips":[{"address":"192.0.2.7/24","interface":0}]}'
fi
`;

/** A daemon whose pods are attached by the plugin, which lies in the directory. */
async function open(t: TestContext): Promise<{ daemon: TestDaemon; cri: CriTester; plugins: string }> {
  const daemon = await startDaemon({ after: (work) => t.after(work) });
  await daemon.stop();
  const plugins = path.join(daemon.directory, "plugins");
  const networks = path.join(daemon.directory, "networks");
  for (const directory of [plugins, networks]) await mkdir(directory);
  await writeFile(path.join(plugins, "moody"), plugin, { mode: 0o755 });
  const network = { cniVersion: "1.0.0", name: "moody", plugins: [{ type: "moody" }] };
  await writeFile(path.join(networks, "10-moody.conflist"), JSON.stringify(network));
  const file = path.join(daemon.directory, "berth.toml");
  const config = (await readFile(file, "utf8")).replace("[network]", `[network]\nplugin_directories = ["${plugins}"]`);
  await writeFile(file, `${config}\n[cri]\nnetwork_config_directory = "${networks}"\n`);
  await daemon.start();
  return { daemon, cri: new CriTester(daemon), plugins };
}

/** What could not be taken back is there, not ready; it can be removed once the server is back, and made anew. */
async function assertCanBeRemoved(cri: CriTester, config: PodInit, away: string): Promise<void> {
  const { items } = await cri.runtime.listPodSandbox({});
  assert.deepEqual(
    items.map(({ state, metadata }) => [state, metadata?.name]),
    [[PodSandboxState.SANDBOX_NOTREADY, config.metadata?.name]],
  );
  const podSandboxId = items[0]?.id ?? "";
  await assert.rejects(cri.runtime.runPodSandbox({ config }), refused("AlreadyExists", podSandboxId));
  await assert.rejects(cri.runtime.stopPodSandbox({ podSandboxId }), /the server is away/);
  await assert.rejects(cri.runtime.removePodSandbox({ podSandboxId }), /the server is away/);
  await rm(away);
  await cri.removePod(podSandboxId);
  const { podSandboxId: next } = await cri.runtime.runPodSandbox({ config });
  assert.equal((await cri.podStatus(next)).network?.ip, "192.0.2.7");
  await cri.removePod(next);
}

test("a pod that can neither be made nor taken back can be seen, removed and made anew", async (t) => {
  const { cri, plugins } = await open(t);
  const away = path.join(plugins, "away");
  await writeFile(away, "");
  const config = cri.podConfig({}, {});
  await assert.rejects(cri.runtime.runPodSandbox({ config }), refused("Unavailable", "the server is away"));
  await assertCanBeRemoved(cri, config, away);
});

test("so can one whose daemon was killed over it", async (t) => {
  const { daemon, cri, plugins } = await open(t);
  const [away, wait] = [path.join(plugins, "away"), path.join(plugins, "wait")];
  await writeFile(wait, "");
  const config = cri.podConfig({}, {});
  const run = assert.rejects(cri.runtime.runPodSandbox({ config }));
  await eventually("the plugin", async () => (existsSync(path.join(plugins, "waits")) ? true : undefined));
  await daemon.kill();
  await run;
  await writeFile(away, "");
  await rm(wait);
  await daemon.start();
  await assertCanBeRemoved(cri, config, away);
});
