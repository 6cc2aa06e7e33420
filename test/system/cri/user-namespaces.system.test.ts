// SPDX-License-Identifier: Apache-2.0
// Pods with a user namespace as a kubelet asks for them, with the newest shim and runc: Debian's runc cannot do it.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import path from "node:path";
import { after, test } from "node:test";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { NamespaceMode, RuntimeService } from "../../../src/gen/runtime/v1/api_pb.js";
import { eventually, startDaemon } from "../../support/daemon.ts";

const script = path.join(import.meta.dirname, "../../../tools/build-peers.sh");
const peers = spawnSync(script, { encoding: "utf8" });
assert.ok(peers.status === 0 || peers.status === 3, peers.stderr);
const directory = peers.stdout.trim();

const hostId = 823_296;
const mappings = [{ containerId: 0, hostId, length: 65_536 }];
const userns = { mode: NamespaceMode.POD, uids: mappings, gids: mappings };

function squeeze(line: string): string {
  return line.trim().replace(/\s+/g, " ");
}

async function open() {
  const daemon = await startDaemon(
    { after },
    {
      config: `[cri]
network_config_directory = "/nonexistent"

[runtime]
default = "newest"

[runtime.handlers.newest]
driver = "shim"
shim = "${directory}/containerd-shim-runc-v2"
binary = "${directory}/runc"
`,
    },
  );
  await daemon.importBusybox();
  const transport = createGrpcTransport({
    baseUrl: "http://cri",
    nodeOptions: { createConnection: () => connect(path.join(daemon.state, "cri.sock")) },
    idleConnectionTimeoutMs: 1000,
  });
  const cri = createClient(RuntimeService, transport);
  const ready = async () => await eventually("CRI's socket", async () => await cri.version({}).catch(() => undefined));
  await ready();
  return { daemon, cri, ready };
}

if (peers.status === 3) {
  void test("pods with a user namespace", { skip: peers.stderr.trim() }, () => {});
} else {
  const { daemon, cri, ready } = await open();

  const podConfig = (name: string, namespaces: object = {}) => ({
    metadata: { name, uid: `uid-${name}`, namespace: "default", attempt: 0 },
    hostname: name,
    logDirectory: path.join(daemon.directory, "logs"),
    linux: {
      cgroupParent: daemon.cgroupParent,
      securityContext: {
        namespaceOptions: {
          network: NamespaceMode.POD,
          pid: NamespaceMode.CONTAINER,
          usernsOptions: userns,
          ...namespaces,
        },
      },
    },
  });

  /** Starts a shell in a container of the pod. */
  const startIn = async (
    podSandboxId: string,
    config: ReturnType<typeof podConfig>,
    words: string,
    more: object = {},
  ) => {
    const { name } = config.metadata;
    const { containerId } = await cri.createContainer({
      podSandboxId,
      sandboxConfig: config,
      config: {
        metadata: { name, attempt: 0 },
        image: { image: "busybox:latest" },
        command: ["sh", "-c", words],
        logPath: `${name}.log`,
        linux: {
          securityContext: {
            namespaceOptions: config.linux.securityContext.namespaceOptions,
            // Which is over the pod's own network only.
            capabilities: { addCapabilities: ["NET_ADMIN"] },
          },
        },
        ...more,
      },
    });
    await cri.startContainer({ containerId });
    return containerId;
  };

  /** Runs a shell in a container of a new pod to its end; what it wrote and its exit code. */
  const runIn = async (config: ReturnType<typeof podConfig>, words: string, more: object = {}) => {
    const { podSandboxId } = await cri.runPodSandbox({ config });
    try {
      const containerId = await startIn(podSandboxId, config, words, more);
      const ended = await eventually("its end", async () => {
        const { status } = await cri.containerStatus({ containerId });
        return status?.finishedAt === 0n ? undefined : status;
      });
      const log = await readFile(path.join(config.logDirectory, `${config.metadata.name}.log`), "utf8");
      const lines = log
        .trim()
        .split("\n")
        .map((line) => squeeze(line.split(" ").slice(3).join(" ")));
      return { exitCode: ended.exitCode, lines };
    } finally {
      await cri.removePodSandbox({ podSandboxId });
    }
  };

  test("is offered for the runtime that can do it", async () => {
    const { runtimeHandlers } = await cri.status({});
    assert.equal(runtimeHandlers.find(({ name }) => name === "newest")?.features?.userNamespaces, true);
  });

  test("a container is root inside, owns its files, network and streams, and a mapped volume", async () => {
    const volume = path.join(daemon.directory, "volume");
    await mkdir(volume);
    await writeFile(path.join(volume, "file"), "");
    const words = `id -u; cat /proc/self/uid_map /proc/self/gid_map; hostname
      stat -c %u:%g /bin/busybox /vol/file /image/bin/busybox /etc/hosts
      touch /new /vol/new && echo written; ip link set lo down && echo mine; echo out > /dev/stdout; cat /proc/sys/net/ipv4/ping_group_range`;
    const { lines, exitCode } = await runIn(podConfig("first"), words, {
      mounts: [
        { containerPath: "/vol", hostPath: volume, uidMappings: mappings, gidMappings: mappings },
        { containerPath: "/image", image: { image: "busybox:latest" }, readonly: true },
      ],
    });
    const map = `0 ${hostId} 65536`;
    const owners = ["0:0", "0:0", "0:0", "0:0"];
    assert.deepEqual(lines, ["0", map, map, "first", ...owners, "written", "mine", "out", "0 65535"]);
    assert.equal(exitCode, 0);
    assert.equal((await stat(path.join(volume, "new"))).uid, 0);
  });

  test("containers may share their processes", async () => {
    const { lines } = await runIn(podConfig("shared", { pid: NamespaceMode.POD }), "id -u; ls -d /proc/1; echo $$");
    assert.deepEqual(lines.slice(0, 2), ["0", "/proc/1"]);
    assert.notEqual(lines[2], "1");
  });

  test("a pod keeps its user namespace when the daemon starts again, also for new containers and execs", async () => {
    const config = podConfig("kept");
    const { podSandboxId } = await cri.runPodSandbox({ config });
    try {
      const before = await startIn(podSandboxId, config, "sleep 1000");
      await daemon.restart();
      await ready();
      const after = await startIn(
        podSandboxId,
        { ...config, metadata: { ...config.metadata, name: "new" } },
        "sleep 1000",
      );
      for (const containerId of [before, after]) {
        const words = "id -u; cat /proc/self/uid_map; touch /new && echo ok > /dev/stdout; readlink /proc/self/ns/user";
        const { stdout, exitCode } = await cri.execSync({ containerId, cmd: ["sh", "-c", words], timeout: 10n });
        const { ino } = await stat(path.join(daemon.state, "namespaces", podSandboxId, "user"));
        const lines = new TextDecoder().decode(stdout).trim().split("\n").map(squeeze);
        assert.deepEqual(lines, ["0", `0 ${hostId} 65536`, "ok", `user:[${ino}]`]);
        assert.equal(exitCode, 0);
      }
    } finally {
      await cri.removePodSandbox({ podSandboxId });
    }
  });

  test("refuses what no pod with a user namespace can have", async () => {
    const refused = async (usernsOptions: object, more: object = {}) =>
      await assert.rejects(
        cri.runPodSandbox({
          config: podConfig("refused", { usernsOptions: { ...userns, ...usernsOptions }, ...more }),
        }),
      );
    await refused({ uids: [], gids: [] });
    await refused({ mode: NamespaceMode.CONTAINER });
    await refused({ mode: NamespaceMode.TARGET });
    await refused({ uids: [...mappings, { containerId: 65_536, hostId: 1, length: 1 }] });
    await refused({ uids: [{ containerId: 1, hostId, length: 10 }] });
    await refused({ uids: [{ containerId: 0, hostId, length: 0 }] });
    await refused({}, { pid: NamespaceMode.NODE });
    assert.deepEqual((await cri.listPodSandbox({})).items, []);
  });
}
