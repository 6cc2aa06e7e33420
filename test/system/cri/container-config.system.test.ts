// SPDX-License-Identifier: Apache-2.0
// What a kubelet can ask of a container, seen from inside of it: with the machine's own runtime, and with the newest.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, suite, test } from "node:test";
import { type Client, Code } from "@connectrpc/connect";
import { capabilityNames } from "../../../src/base/capabilities.ts";
import * as cri from "../../../src/gen/runtime/v1/api_pb.js";
import { type ContainerInit, criClient, type PodInit, TestPod } from "../../support/cri-pods.ts";
import { eventually } from "../../support/daemon.ts";
import { suiteDaemon } from "../../support/suite-daemon.ts";

const script = path.join(import.meta.dirname, "../../../tools/build-peers.sh");
const peers = spawnSync(script, { encoding: "utf8" });
assert.ok(peers.status === 0 || peers.status === 3, peers.stderr);
const hasPeers = peers.status === 0;

const scratch = await mkdtemp(path.join(tmpdir(), "berth-cri-containers-"));
after(async () => {
  spawnSync("umount", ["-R", "-q", path.join(scratch, "shared")]);
  spawnSync("umount", ["-R", "-q", path.join(scratch, "volume/nested")]);
  await rm(scratch, { recursive: true, force: true });
});
await mkdir(path.join(scratch, "cdi"));

const config = `[cdi]
directories = [${JSON.stringify(path.join(scratch, "cdi"))}]
[runtime.handlers.runc]
binary = "runc"
${
  hasPeers
    ? `[runtime.handlers.newest]
driver = "shim"
shim = ${JSON.stringify(path.join(peers.stdout.trim(), "containerd-shim-runc-v2"))}
binary = ${JSON.stringify(path.join(peers.stdout.trim(), "runc"))}
`
    : ""
}`;

const { Localhost, Unconfined } = cri.SecurityProfile_ProfileType;
const bytes = (text: string) => new TextEncoder().encode(text);
const field = (status: string, name: string) => new RegExp(`^${name}:\\s*(.*)$`, "m").exec(status)?.[1]?.trim() ?? "";
const namesOf = (mask: string) =>
  capabilityNames.filter((_name, index) => (BigInt(`0x${mask}`) & (1n << BigInt(index))) !== 0n);

for (const handler of ["runc", ...(hasPeers ? ["newest"] : [])]) {
  suite(`containers of pods run by ${handler}`, () => {
    const current = suiteDaemon({ config });
    let client: Client<typeof cri.RuntimeService>;
    before(() => {
      client = criClient(current.daemon);
    });
    const runPod = async (init: PodInit = {}) => await TestPod.run(client, { handler, ...init });
    const refuses = async (pod: TestPod, init: ContainerInit, code: Code, message: RegExp) => {
      await assert.rejects(pod.create(init), (error: { code?: Code; rawMessage?: string }) => {
        assert.equal(error.code, code, error.rawMessage);
        assert.match(error.rawMessage ?? "", message);
        return true;
      });
    };

    test("what runs: entry point, arguments, environment, directory, terminal, signal", async () => {
      await using pod = await runPod();
      const id = await pod.start({
        command: ["/bin/sh", "-c"],
        args: ["sleep 1000 & wait"],
        envs: [
          { key: "HOSTNAME", value: bytes("mine") },
          { key: "EMPTY", value: bytes("") },
        ],
        workingDir: "/var/www",
        tty: true,
        stopSignal: cri.Signal.SIGRTMINPLUS1,
      });
      const environment = await pod.output(id, "tr '\\0' '\\n' </proc/1/environ");
      assert.deepEqual(environment.match(/^(HOSTNAME|EMPTY|TERM)=.*/gm), ["HOSTNAME=mine", "TERM=xterm", "EMPTY="]);
      assert.equal(await pod.output(id, "readlink /proc/1/cwd"), "/var/www");
      assert.equal(await pod.output(id, "tr '\\0' ' ' </proc/1/cmdline"), "/bin/sh -c sleep 1000 & wait ");
      const { status } = await client.containerStatus({ containerId: id });
      assert.equal(status?.stopSignal, cri.Signal.SIGRTMINPLUS1);
    });

    test("users and groups", async () => {
      await using pod = await runPod();
      const who = async (security: Parameters<TestPod["startWith"]>[0]) => {
        const status = await pod.output(await pod.startWith(security), "cat /proc/1/status");
        const first = (name: string) => field(status, name).split(/\s+/)[0];
        return `${first("Uid")}:${first("Gid")} ${field(status, "Groups")}`;
      };
      assert.equal(await who({ runAsUser: { value: 1000n } }), "1000:0 0");
      assert.equal(await who({ runAsUser: { value: 1000n }, runAsGroup: { value: 7n } }), "1000:7 7");
      assert.equal(await who({ runAsUsername: "web", supplementalGroups: [1234n] }), "33:33 33 50 1234");
      const { Strict } = cri.SupplementalGroupsPolicy;
      const strict = { supplementalGroups: [1234n], supplementalGroupsPolicy: Strict };
      assert.equal(await who({ runAsUsername: "web", ...strict }), "33:33 33 1234");
      await refuses(
        pod,
        { linux: { securityContext: { runAsGroup: { value: 7n } } } },
        Code.InvalidArgument,
        /user group 7 is specified without user/,
      );
      await refuses(
        pod,
        { linux: { securityContext: { runAsUsername: "nosuch" } } },
        Code.InvalidArgument,
        /unable to find user nosuch/,
      );
    });

    test("capabilities", async () => {
      await using pod = await runPod();
      const held = async (security: Parameters<TestPod["startWith"]>[0]) => {
        const status = await pod.output(await pod.startWith(security), "cat /proc/1/status");
        return Object.fromEntries(
          ["Bnd", "Eff", "Amb", "Inh"].map((set) => [set, namesOf(field(status, `Cap${set}`))]),
        );
      };
      const added = await held({ capabilities: { addCapabilities: ["NET_ADMIN"], dropCapabilities: ["KILL"] } });
      assert.ok(added["Eff"]?.includes("CAP_NET_ADMIN") && !added["Bnd"]?.includes("CAP_KILL"));
      assert.deepEqual(await held({ capabilities: { dropCapabilities: ["ALL"] } }), {
        Bnd: [],
        Eff: [],
        Amb: [],
        Inh: [],
      });
      const all = await held({ capabilities: { addCapabilities: ["ALL"] } });
      assert.ok((all["Eff"]?.length ?? 0) > 30);
      const only = ["CAP_NET_BIND_SERVICE"];
      assert.deepEqual(
        await held({
          runAsUser: { value: 33n },
          capabilities: { dropCapabilities: ["ALL"], addAmbientCapabilities: ["NET_BIND_SERVICE"] },
        }),
        { Bnd: only, Eff: only, Amb: only, Inh: only },
      );
    });

    test("a privileged container has all of the node and is not confined", async () => {
      await using pod = await runPod({ privileged: true });
      const id = await pod.startWith({
        privileged: true,
        readonlyRootfs: true,
        seccomp: {},
        maskedPaths: ["/proc/keys"],
      });
      const status = await pod.output(id, "cat /proc/1/status");
      assert.equal(field(status, "Seccomp"), "0");
      assert.ok(namesOf(field(status, "CapEff")).length > 30);
      assert.match(await pod.output(id, "grep ' /sys ' /proc/mounts"), / sysfs rw/);
      await pod.output(
        id,
        "test -e /dev/loop-control || test -e /dev/kmsg || test -e /dev/net/tun || test -e /dev/mem",
      );
      assert.equal((await pod.run(id, "touch /file")).exitCode, 1);
      await using other = await runPod();
      const asked = { linux: { securityContext: { privileged: true } } };
      await refuses(other, asked, Code.InvalidArgument, /no privileged container allowed in sandbox/);
    });

    test("hidden and read-only paths, a read-only root, and privileges that stay", async () => {
      await using pod = await runPod();
      const id = await pod.startWith({
        maskedPaths: ["/etc/passwd"],
        readonlyPaths: ["/var"],
        noNewPrivs: true,
      });
      assert.equal(await pod.output(id, "cat /etc/passwd"), "");
      assert.match((await pod.run(id, "touch /var/file")).stderr, /Read-only file system/);
      assert.equal(await pod.output(id, "touch /file && grep NoNewPrivs /proc/1/status | tr -d '\\t'"), "NoNewPrivs:1");
      const open = await pod.startWith({ readonlyRootfs: true });
      assert.equal(await pod.output(open, "grep -c ' /proc/' /proc/mounts || true"), "0");
      assert.match((await pod.run(open, "touch /file")).stderr, /Read-only file system/);
    });

    test("system call filters", async () => {
      await using pod = await runPod();
      const mode = async (id: string) => field(await pod.output(id, "cat /proc/1/status"), "Seccomp");
      assert.equal(await mode(await pod.startWith({})), "0");
      assert.equal(await mode(await pod.startWith({ seccomp: {} })), "2");
      assert.equal(await mode(await pod.startWith({ seccomp: { profileType: Unconfined } })), "0");
      const profile = path.join(scratch, `profile-${handler}.json`);
      const rule = { names: ["chmod", "fchmod", "fchmodat", "fchmodat2"], action: "SCMP_ACT_ERRNO" };
      await writeFile(profile, JSON.stringify({ defaultAction: "SCMP_ACT_ALLOW", syscalls: [rule] }));
      const filtered = await pod.startWith({ seccomp: { profileType: Localhost, localhostRef: profile } });
      assert.match((await pod.run(filtered, "chmod 400 /etc/passwd")).stderr, /Operation not permitted/);
      const missing = { seccomp: { profileType: Localhost, localhostRef: "/berth/no/profile" } };
      await refuses(pod, { linux: { securityContext: missing } }, Code.FailedPrecondition, /\/berth\/no\/profile/);
    });

    test("what this kernel's security modules lack is refused by name", async () => {
      await using pod = await runPod();
      const apparmor = { apparmor: { profileType: Localhost, localhostRef: "profile" } };
      await pod.startWith({ apparmor: {} });
      await refuses(pod, { linux: { securityContext: apparmor } }, Code.FailedPrecondition, /apparmor is not enabled/);
      const selinuxOptions = { selinuxOptions: { type: "spc_t" } };
      await refuses(pod, { linux: { securityContext: selinuxOptions } }, Code.FailedPrecondition, /selinux is not/);
    });

    test("mounts: links are followed, files are taken, read-only is so once or all the way down", async () => {
      await using pod = await runPod();
      const volume = path.join(scratch, "volume");
      await mkdir(path.join(volume, "nested"), { recursive: true });
      await writeFile(path.join(volume, "file"), "content");
      await symlink(volume, path.join(scratch, `link-${handler}`));
      execFileSync("mount", ["-t", "tmpfs", "berth-cri-nested", path.join(volume, "nested")]);
      try {
        const id = await pod.start({
          mounts: [
            { containerPath: "/link", hostPath: path.join(scratch, `link-${handler}`) },
            { containerPath: "/etc/file", hostPath: path.join(volume, "file") },
            { containerPath: "/once", hostPath: volume, readonly: true },
            { containerPath: "/deep", hostPath: volume, readonly: true, recursiveReadOnly: true },
          ],
        });
        assert.equal(await pod.output(id, "cat /link/file /etc/file"), "contentcontent");
        assert.match((await pod.run(id, "touch /once/x")).stderr, /Read-only/);
        await pod.output(id, "touch /link/x /once/nested/x");
        assert.match((await pod.run(id, "touch /deep/nested/y")).stderr, /Read-only/);
        const { status } = await client.containerStatus({ containerId: id });
        assert.deepEqual(
          status?.mounts.map((mount) => [mount.containerPath, mount.readonly, mount.recursiveReadOnly]),
          [
            ["/link", false, false],
            ["/etc/file", false, false],
            ["/once", true, false],
            ["/deep", true, true],
          ],
        );
      } finally {
        execFileSync("umount", [path.join(volume, "nested")]);
      }
      const missing = { containerPath: "/x", hostPath: path.join(scratch, "missing") };
      await refuses(pod, { mounts: [missing] }, Code.InvalidArgument, /missing/);
    });

    test("mounts made later are seen where propagation says so", async () => {
      await using pod = await runPod({ privileged: true });
      const shared = path.join(scratch, "shared");
      await mkdir(path.join(shared, "host"), { recursive: true });
      await mkdir(path.join(shared, "container"), { recursive: true });
      execFileSync("mount", ["-t", "tmpfs", "berth-cri-shared", shared]);
      try {
        execFileSync("mount", ["--make-rshared", shared]);
        await mkdir(path.join(shared, "host"));
        await mkdir(path.join(shared, "container"));
        const { PROPAGATION_BIDIRECTIONAL, PROPAGATION_HOST_TO_CONTAINER } = cri.MountPropagation;
        const id = await pod.startWith(
          { privileged: true },
          {
            mounts: [
              { containerPath: "/private", hostPath: shared },
              { containerPath: "/slave", hostPath: shared, propagation: PROPAGATION_HOST_TO_CONTAINER },
              { containerPath: "/shared", hostPath: shared, propagation: PROPAGATION_BIDIRECTIONAL },
            ],
          },
        );
        execFileSync("mount", ["-t", "tmpfs", "berth-cri-host", path.join(shared, "host")]);
        const seen = await pod.output(
          id,
          'for d in private slave shared; do grep -c " /$d/host " /proc/mounts; done; true',
        );
        assert.deepEqual(seen.split("\n"), ["0", "1", "1"]);
        await pod.output(id, "mount -t tmpfs berth-cri-inside /shared/container");
        execFileSync("mountpoint", ["-q", path.join(shared, "container")]);
      } finally {
        execFileSync("umount", ["-R", shared]);
      }
    });

    test("images as volumes: read-only, executable, whole or in part", async () => {
      await using pod = await runPod();
      const image = { image: "busybox:latest" };
      const id = await pod.start({
        mounts: [
          { containerPath: "/whole", image, readonly: true },
          { containerPath: "/part", image, imageSubPath: "etc", readonly: true },
        ],
      });
      assert.equal(await pod.output(id, "/whole/bin/busybox echo runs; cat /part/group | head -1"), "runs\nroot:x:0:");
      assert.match((await pod.run(id, "touch /whole/x")).stderr, /Read-only/);
      const missing = { containerPath: "/x", image, imageSubPath: "no/such", readonly: true };
      await assert.rejects(pod.create({ mounts: [missing] }), /no\/such/);
      await refuses(
        pod,
        { mounts: [{ ...missing, readonly: false }] },
        Code.InvalidArgument,
        /only be mounted read-only/,
      );
    });

    test("devices by path, alone or with a directory, as far as permitted", async () => {
      await using pod = await runPod();
      const directory = path.join(scratch, `devices-${handler}`);
      await mkdir(directory);
      const control = path.join(scratch, `control-${handler}`);
      execFileSync("mknod", [control, "c", "10", "237"]); // loop-control
      execFileSync("mknod", [path.join(directory, "one"), "c", "1", "5"]);
      const id = await pod.start({
        devices: [
          { hostPath: control, containerPath: "/dev/control", permissions: "r" },
          { hostPath: directory, containerPath: "/dev/some" },
        ],
      });
      await pod.output(id, "exec 3</dev/control");
      assert.match((await pod.run(id, "exec 3>/dev/control")).stderr, /Operation not permitted/);
      assert.equal(await pod.output(id, "head -c 3 /dev/some/one | wc -c"), "3");
      const missing = [{ hostPath: "/dev/berth-no-such" }];
      await assert.rejects(pod.create({ devices: missing }), /\/dev\/berth-no-such/);
    });

    test("devices by name", async () => {
      await writeFile(
        path.join(scratch, "cdi/vendor.yaml"),
        `cdiVersion: "0.6.0"
kind: berth.test/device
containerEdits: { env: [VENDOR=berth] }
devices:
  - name: zero
    containerEdits:
      deviceNodes: [{ path: /dev/vendor0, hostPath: /dev/zero, permissions: r }]
      mounts: [{ hostPath: ${scratch}, containerPath: /opt/vendor, options: [bind, ro] }]
      hooks:
        - hookName: createRuntime
          path: /bin/sh
          args: [sh, -c, "cat >${scratch}/hook-${handler}.json"]
`,
      );
      await using pod = await runPod();
      const id = await pod.start({
        CDIDevices: [{ name: "berth.test/device=zero" }],
        annotations: { "cdi.k8s.io/again": "berth.test/device=zero" },
      });
      assert.equal(await pod.output(id, "head -c 3 /dev/vendor0 | wc -c; echo $VENDOR"), "3\nberth");
      assert.match((await pod.run(id, "touch /opt/vendor/x")).stderr, /Read-only/);
      assert.ok((await pod.output(id, `cat /opt/vendor/hook-${handler}.json`)).includes(id));
      await refuses(
        pod,
        { CDIDevices: [{ name: "berth.test/device=one" }] },
        Code.NotFound,
        /unresolvable CDI devices berth\.test\/device=one/,
      );
    });

    test("limits, small ones too, as asked, changed and told", async () => {
      await using pod = await runPod();
      const resources = {
        cpuPeriod: 100_000n,
        cpuQuota: 50_000n,
        cpuShares: 512n,
        memoryLimitInBytes: 5_242_880n,
        oomScoreAdj: 900n,
        cpusetCpus: "0",
      };
      const id = await pod.start({ linux: { resources } });
      const told = async () => (await client.containerStatus({ containerId: id })).status?.resources?.linux;
      const { memoryLimitInBytes, memorySwapLimitInBytes, cpuQuota, cpuShares, oomScoreAdj } = (await told()) ?? {};
      assert.deepEqual([memoryLimitInBytes, cpuQuota, cpuShares, oomScoreAdj], [5_242_880n, 50_000n, 512n, 900n]);
      assert.ok(memorySwapLimitInBytes === 5_242_880n || memorySwapLimitInBytes === 0n);
      assert.equal(await pod.output(id, "cat /proc/1/oom_score_adj"), "900");
      assert.equal(field(await pod.output(id, "cat /proc/1/status"), "Cpus_allowed_list"), "0");
      const limit = "cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null || true";
      assert.equal(await pod.output(id, limit), "5242880");
      await client.updateContainerResources({ containerId: id, linux: { memoryLimitInBytes: 16_777_216n } } as never);
      assert.equal(await pod.output(id, limit), "16777216");
      await eventually(
        "the status to say so",
        async () => (await told())?.memoryLimitInBytes === 16_777_216n || undefined,
      );
      assert.equal((await told())?.cpuQuota, 50_000n);
    });

    test("processes: one's own, those of another container, the node's", async () => {
      await using pod = await runPod();
      const { TARGET, NODE } = cri.NamespaceMode;
      const target = await pod.start({ command: ["sleep", "4242"] });
      const namespaceOptions = { pid: TARGET, targetId: target, network: NODE };
      const debug = await pod.startWith({ namespaceOptions });
      assert.match(await pod.output(debug, "cat /proc/1/cmdline | tr '\\0' ' '"), /^sleep 4242/);
      const node = await pod.startWith({ namespaceOptions: { pid: NODE, network: NODE } });
      assert.ok(Number(await pod.output(node, "ls -d /proc/[0-9]* | wc -l")) > 5);
      await using other = await runPod();
      await assert.rejects(other.startWith({ namespaceOptions }), /sandbox|pod/);
    });

    test("containers share the processes of a pod that says so", async () => {
      await using pod = await runPod({ namespaces: { pid: cri.NamespaceMode.POD } });
      const first = await pod.start({ command: ["sleep", "4343"] });
      const second = await pod.start();
      assert.match(await pod.output(second, "cat /proc/[0-9]*/cmdline | tr '\\0' ' '"), /sleep 4343/);
      assert.notEqual(first, second);
    });

    if (handler === "newest") {
      test("owners of a mount are mapped", async () => {
        await using pod = await runPod();
        const directory = path.join(scratch, "owned");
        await mkdir(directory, { recursive: true });
        const mapping = [{ containerId: 0, hostId: 100_000, length: 65_536 }];
        const mount = { containerPath: "/owned", hostPath: directory, uidMappings: mapping, gidMappings: mapping };
        const id = await pod.start({ mounts: [mount] });
        assert.equal(await pod.output(id, "stat -c %u:%g /owned"), "100000:100000");
      });
    } else {
      test("owners of a mount cannot be mapped by a runtime that does not know how", async () => {
        await using pod = await runPod();
        const mapping = [{ containerId: 0, hostId: 100_000, length: 65_536 }];
        const mount = { containerPath: "/owned", hostPath: scratch, uidMappings: mapping, gidMappings: mapping };
        await refuses(pod, { mounts: [mount] }, Code.FailedPrecondition, /idmap/);
      });
    }
  });
}
