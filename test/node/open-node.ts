// SPDX-License-Identifier: Apache-2.0
// Sets a run's machine up in a scratch directory: registry, pods' network, daemon, kubelet; and takes it down again.

import { once } from "node:events";
import { chmod, copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import path from "node:path";
import type { RuntimeSetup } from "../conformance/cri/engines/engine.ts";
import { makePodNetwork } from "../conformance/cri/engines/pod-network.ts";
import { startMirrors } from "../conformance/cri/mirrors.ts";
import { criClient } from "../support/cri-pods.ts";
import { startDaemon, type TestDaemon } from "../support/daemon.ts";
import { Kubelet } from "./kubelet/kubelet.ts";
import { TestNode } from "./test-node.ts";

/** A runtime handler: an OCI runtime, and what makes a pod's sandbox for it. */
export interface Handler extends RuntimeSetup {
  readonly sandboxer: "namespaces" | "task";
}

export interface NodeOptions {
  /** Scratch; what remains of it is the caller's to remove. */
  readonly directory: string;
  /** Where logs are kept. */
  readonly reportsDirectory: string;
  readonly kubelet: string;
  /** The first is the default one. */
  readonly handlers: readonly Handler[];
}

export interface OpenedNode extends AsyncDisposable {
  readonly node: TestNode;
  /** Appear in the names of everything that was made. */
  readonly marks: readonly string[];
}

/** The daemon runs, the kubelet does not yet. */
export async function openNode(
  options: NodeOptions,
  { signal }: { readonly signal: AbortSignal },
): Promise<OpenedNode> {
  const { directory, reportsDirectory } = options;
  await using undo = new AsyncDisposableStack();
  const network = await makePodNetwork(directory);
  undo.defer(async () => await network.close());
  const hostsDirectory = path.join(directory, "hosts");
  undo.use(await startMirrors(hostsDirectory, { signal }));
  const daemon = await startDaemon(
    { after: (work) => undo.defer(work) },
    { config: configuration(options.handlers, hostsDirectory, network.configDirectory) },
  );
  // The root of a user namespace has to get through.
  await chmod(daemon.directory, 0o711);
  undo.defer(async () => await copyFile(daemon.logFile, path.join(reportsDirectory, "daemon.log")));
  // Those of a run that failed; the kubelet has ended by then.
  undo.defer(async () => await removeAllPods(daemon));
  const [secure, readOnly, hostPort] = await freePorts(3);
  const kubelet = undo.use(
    new Kubelet(options.kubelet, {
      directory,
      socket: path.join(daemon.state, "cri.sock"),
      ports: { secure, readOnly },
      nodeName: path.basename(directory).toLowerCase(),
    }),
  );
  const shared = path.join(directory, "shared");
  await mkdir(shared);
  const node = new TestNode({ daemon, kubelet, hostPort, shared });
  const resources = undo.move();
  return {
    node,
    marks: [path.basename(directory), network.mark],
    [Symbol.asyncDispose]: async () => await resources.disposeAsync(),
  };
}

async function removeAllPods(daemon: TestDaemon): Promise<void> {
  const runtime = criClient(daemon);
  const { items } = await runtime.listPodSandbox({});
  for (const { id: podSandboxId } of items) {
    await runtime.stopPodSandbox({ podSandboxId });
    await runtime.removePodSandbox({ podSandboxId });
  }
}

/** From the daemon's next start on, pods that name no handler get this one. */
export async function makeDefault(daemon: TestDaemon, handler: string): Promise<void> {
  const file = path.join(daemon.directory, "berth.toml");
  const text = await readFile(file, "utf8");
  await writeFile(file, text.replace(/^default = .*$/m, `default = "${handler}"`));
}

function configuration(handlers: readonly Handler[], hostsDirectory: string, networkDirectory: string): string {
  const tables = handlers.map(
    ({ handler, shim, binary, sandboxer }) => `[runtime.handlers.${handler}]
driver = "shim"
shim = "${shim}"
binary = "${binary}"
sandboxer = "${sandboxer}"
`,
  );
  return `[registry]
config_path = ["${hostsDirectory}"]

[cri]
network_config_directory = "${networkDirectory}"

[runtime]
default = "${handlers[0]?.handler}"

${tables.join("\n")}`;
}

async function freePorts(count: 3): Promise<[number, number, number]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  const ports = await Promise.all(
    servers.map(async (server) => {
      await once(server, "listening");
      const address = server.address();
      return typeof address === "object" && address !== null ? address.port : 0;
    }),
  );
  for (const server of servers) server.close();
  return ports as [number, number, number];
}
