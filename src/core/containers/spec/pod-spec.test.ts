// SPDX-License-Identifier: Apache-2.0
// What is different about the specification of a pod's container.

import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultCapabilities } from "../../../oci/runtime/capabilities.ts";
import type { RuntimeMount, RuntimeSpec } from "../../../oci/runtime/spec.ts";
import type { BindMountRequest, ContainerConfig } from "../container-config.ts";
import { hostFacts, specInput } from "../testing/spec-inputs.ts";
import { buildSpec } from "./build-spec.ts";
import { checkContainerConfig } from "./check-config.ts";
import type { SpecInput } from "./spec-input.ts";

const pod = { networkMode: "pod", ipcMode: "pod", utsMode: "pod", pidMode: "pod" } as const;
const build = (config: Partial<ContainerConfig> = {}, overrides: Partial<SpecInput> = {}) =>
  buildSpec(specInput({ ...pod, ...config }, overrides));
const mountAt = (spec: RuntimeSpec, destination: string): RuntimeMount | undefined =>
  spec.mounts.find((mount) => mount.destination === destination);
const failedPrecondition = { code: "failed-precondition" };

test("the pod's modes are taken, and no sysctl is set: they belong to the sandbox", () => {
  assert.deepEqual(build().linux.sysctl, {});
  assert.throws(() => build({ sysctls: { "net.ipv4.ip_forward": "1" } }), {
    message: "sysctls belong to the pod, not to one of its containers",
  });
});

test("runtimes are told what the engine says, never what the container's annotations say", () => {
  const spec = build({ annotations: { "run.oci.keep_original_groups": "1" } }, { annotations: { name: "main" } });
  assert.deepEqual(spec.annotations, { name: "main", "io.kubernetes.cri.sandbox-id": "s1" });
});

test("hidden and read-only paths are exactly those asked for; a privileged container has none", () => {
  const asked = { maskedPaths: ["/proc/a"], readonlyPaths: ["/proc/b"] };
  const { linux } = build(asked);
  assert.deepEqual([linux.maskedPaths, linux.readonlyPaths], [["/proc/a"], ["/proc/b"]]);
  const none = build({ maskedPaths: [], readonlyPaths: [] }).linux;
  assert.deepEqual([none.maskedPaths, none.readonlyPaths], [[], []]);
  const privileged = build({ ...asked, privileged: true }).linux;
  assert.deepEqual([privileged.maskedPaths, privileged.readonlyPaths], [[], []]);
});

test("ambient capabilities are held by users other than root, and nothing else is", () => {
  const user = { uid: 33, gid: 33, additionalGids: [33], home: "/" };
  const { capabilities } = build({ capabilitiesAmbient: ["NET_ADMIN"] }, { user }).process;
  const ambient = ["CAP_NET_ADMIN"];
  assert.deepEqual(capabilities, {
    bounding: capabilities?.bounding,
    effective: ambient,
    permitted: ambient,
    inheritable: ambient,
    ambient,
  });
  assert.deepEqual(capabilities?.bounding.toSorted(), [...defaultCapabilities, "CAP_NET_ADMIN"].toSorted());
});

test("a kubelet's rank is raised to what the daemon may give", () => {
  const host = hostFacts({ oomScoreAdjMinimum: 100 });
  assert.equal(build({ oomScoreAdj: -997 }, { host }).process.oomScoreAdj, 100);
  assert.equal(build({ oomScoreAdj: -997 }).process.oomScoreAdj, -997);
  assert.deepEqual(checkContainerConfig(specInput({ ...pod, oomScoreAdj: -997 }).config, host), []);
});

test("a pod's slice is given as a path with those above it", () => {
  const cgroups = (cgroupParent: string) =>
    build({ cgroupParent }, { features: { ociVersion: "1.2.0", seccomp: true, systemdCgroup: true } }).linux
      .cgroupsPath;
  assert.equal(cgroups("/kubepods.slice/kubepods-pod1.slice"), "kubepods-pod1.slice:berth:c1");
  assert.equal(cgroups("kubepods.slice"), "kubepods.slice:berth:c1");
  assert.throws(() => cgroups("/kubepods/pod1.slice"), { code: "invalid-argument" });
});

test("shared memory is the pod's, or the host's with its IPC", () => {
  const shm = (overrides: Partial<SpecInput>) => mountAt(build({}, overrides), "/dev/shm")?.source;
  const { namespaces } = specInput();
  assert.equal(shm({ sharedMemoryPath: "/run/pod/shm" }), "/run/pod/shm");
  assert.equal(shm({ namespaces: { ...namespaces, ipc: "host" } }), "/dev/shm");
});

test("privileged containers configure the node also with a read-only root", () => {
  const options = (config: Partial<ContainerConfig>) => mountAt(build(config), "/sys")?.options?.at(-1);
  assert.equal(options({ privileged: true, readOnlyRoot: true }), "rw");
  assert.equal(options({ readOnlyRoot: true }), "ro");
});

test("who brings /sys or /dev brings what is below them", () => {
  const request = { type: "bind", readOnly: false, recursive: "writable", createSource: false } as const;
  const spec = build(
    {},
    {
      mounts: ["/sys", "/dev"].map((path) => ({ request: { ...request, source: path, target: path }, source: path })),
    },
  );
  for (const path of ["/sys/fs/cgroup", "/dev/pts", "/dev/shm"]) assert.equal(mountAt(spec, path), undefined, path);
});

const bind: BindMountRequest = {
  type: "bind",
  source: "/src",
  target: "/dst",
  readOnly: false,
  recursive: "writable",
  createSource: false,
};
const idMappings = {
  uidMappings: [{ containerId: 0, hostId: 100000, size: 65536 }],
  gidMappings: [{ containerId: 0, hostId: 100000, size: 65536 }],
};
const runtimeMapping = [{ containerID: 0, hostID: 100000, size: 65536 }];
const able = { ociVersion: "1.2.0", seccomp: true, recursiveReadOnly: true, idMappedMounts: true };

function bound(request: BindMountRequest, features = able): RuntimeMount | undefined {
  return mountAt(build({}, { mounts: [{ request, source: "/src" }], features }), "/dst");
}

test("read-only, recursively so, and with mapped owners", () => {
  assert.deepEqual(bound({ ...bind, readOnly: true })?.options, ["rbind", "rprivate", "ro"]);
  assert.deepEqual(bound({ ...bind, readOnly: true, recursive: "readonly" })?.options, ["rbind", "rprivate", "rro"]);
  assert.deepEqual(bound({ ...bind, idMappings }), {
    destination: "/dst",
    type: "bind",
    source: "/src",
    options: ["rbind", "rprivate", "idmap"],
    uidMappings: runtimeMapping,
    gidMappings: runtimeMapping,
  });
  assert.throws(() => bound({ ...bind, idMappings }, { ...able, idMappedMounts: false }), failedPrecondition);
});

test("an image is bound read-only from where it is mounted, and its programs can be run", () => {
  const request = { type: "image", image: "tools", subPath: "bin", target: "/dst", readOnly: true } as const;
  const spec = build({}, { mounts: [{ request, source: "/run/image/bin" }] });
  assert.deepEqual(mountAt(spec, "/dst"), {
    destination: "/dst",
    type: "bind",
    source: "/run/image/bin",
    options: ["rbind", "rprivate", "ro"],
  });
  assert.throws(() => build({}, { mounts: [{ request: { ...request, readOnly: false }, source: "/" }] }), {
    message: /an image can only be mounted read-only/,
  });
});

const { namespaces } = specInput();
const files = { hosts: "/h", hostname: "/n", resolvConf: "/r" };
const remapped = (overrides: Partial<SpecInput> = {}) =>
  build(
    { usernsMode: "pod" },
    {
      namespaces: { ...namespaces, user: { path: "/run/user" } },
      networkFiles: files,
      features: able,
      idMappings,
      ...overrides,
    },
  );

test("a user namespace that is there keeps its mappings, and root there owns the engine's files", () => {
  const spec = remapped();
  assert.deepEqual(
    spec.linux.namespaces.find(({ type }) => type === "user"),
    { type: "user", path: "/run/user" },
  );
  assert.equal(spec.linux.uidMappings, undefined);
  for (const path of ["/etc/hosts", "/etc/hostname", "/etc/resolv.conf"]) {
    assert.deepEqual(mountAt(spec, path)?.uidMappings, runtimeMapping, path);
    assert.deepEqual(mountAt(spec, path)?.options, ["rbind", "rprivate", "idmap"], path);
  }
});

test("a new user namespace is told its mappings", () => {
  const { linux } = remapped({ namespaces: { ...namespaces, user: "new" } });
  assert.deepEqual([linux.uidMappings, linux.gidMappings], [runtimeMapping, runtimeMapping]);
});

test("a user namespace may only bind what shows the host's other namespaces", () => {
  const host = remapped({
    namespaces: { user: { path: "/u" }, network: "host", ipc: "host", pid: "host", uts: "host" },
  });
  const sys = mountAt(host, "/sys");
  assert.deepEqual([sys?.type, sys?.source], ["bind", "/sys"]);
  assert.deepEqual(sys?.options, ["rbind", "rprivate", "nosuid", "noexec", "nodev", "rro"]);
  assert.equal(mountAt(host, "/sys/fs/cgroup"), undefined);
  assert.equal(mountAt(host, "/dev/mqueue")?.type, "bind");
  assert.equal(mountAt(host, "/proc")?.type, "bind");
  assert.equal(mountAt(remapped(), "/sys")?.type, "sysfs");
});

test("a user or group that the user namespace does not have is refused", () => {
  const user = { uid: 65536, gid: 0, additionalGids: [0], home: "/" };
  assert.throws(() => remapped({ user }), {
    code: "invalid-argument",
    message: "cannot run as user 65536: the pod's user namespace does not have it",
  });
  assert.throws(() => remapped({ user: { ...user, uid: 0, additionalGids: [70000] } }), { message: /group 70000/ });
  assert.equal(remapped({ user: { ...user, uid: 65535 } }).process.user.uid, 65535);
});

test("labels are those asked for on top of the policy's own, and one pod's containers share a level", () => {
  const host = hostFacts({ selinux: true });
  const labelled = (securityOptions: readonly string[], more: Partial<ContainerConfig> = {}, sandboxId = "s1") => {
    const { process, linux } = build({ securityOptions, ...more }, { host, sandboxId });
    return [process.selinuxLabel, linux.mountLabel];
  };
  assert.deepEqual(labelled([]), [undefined, undefined]);
  assert.deepEqual(labelled(["label=type:spc_t", "label=level:s0:c1,c2"]), [
    "system_u:system_r:spc_t:s0:c1,c2",
    "system_u:object_r:container_file_t:s0:c1,c2",
  ]);
  const [first] = labelled(["label=user:u"]);
  assert.match(first ?? "", /^u:system_r:container_t:s0:c\d+,c\d+$/);
  assert.equal(labelled(["label=user:u"])[0], first);
  assert.notEqual(labelled(["label=user:u"], {}, "s2")[0], first);
  assert.equal(labelled(["label=type:t"], { privileged: true })[0], undefined);
  assert.throws(() => build({ securityOptions: ["label=type:t"] }), {
    ...failedPrecondition,
    message: "cannot use label type:t: selinux is not enabled on this host",
  });
});
