// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { ContainerConfig } from "../../../../core/containers/container-config.ts";
import { hostFacts } from "../../../../core/containers/testing/spec-inputs.ts";
import * as cri from "../../../../gen/runtime/v1/api_pb.js";
import { type ContainerSurroundings, toContainerConfig, toLogPath } from "./container-config.ts";
import { fromStopSignal, toStopSignal } from "./process.ts";

type Init = MessageInitShape<typeof cri.ContainerConfigSchema>;
type SecurityInit = MessageInitShape<typeof cri.LinuxContainerSecurityContextSchema>;
type MountInit = MessageInitShape<typeof cri.MountSchema>;

const surroundings: ContainerSurroundings = {
  pod: { network: "pod", ipc: "pod", pid: "pod", privileged: true },
  host: hostFacts(),
  features: { seccomp: true, recursiveReadOnly: true, idMappedMounts: true },
};

async function convert(init: Init = {}, given: Partial<ContainerSurroundings> = {}): Promise<ContainerConfig> {
  const message = create(cri.ContainerConfigSchema, init);
  message.metadata ??= create(cri.ContainerMetadataSchema, { name: "main" });
  message.image ??= create(cri.ImageSpecSchema, { image: "busybox:latest" });
  return await toContainerConfig(message, { ...surroundings, ...given });
}

const withSecurity = async (securityContext: SecurityInit, given?: Partial<ContainerSurroundings>) =>
  await convert({ linux: { securityContext } }, given);
const withMount = async (mount: MountInit, given?: Partial<ContainerSurroundings>) =>
  await convert({ mounts: [{ containerPath: "/mnt", hostPath: "/srv", ...mount }] }, given);

test("what is not asked is the pod's, the image's, or nothing", async () => {
  const config = await convert();
  assert.deepEqual(
    [config.networkMode, config.ipcMode, config.utsMode, config.pidMode, config.usernsMode],
    ["pod", "pod", "pod", "pod", undefined],
  );
  assert.deepEqual([config.entrypoint, config.command, config.user, config.stopSignal], Array(4).fill(undefined));
  assert.deepEqual([config.maskedPaths, config.readonlyPaths, config.mounts, config.resources], [[], [], [], {}]);
  assert.deepEqual(config.securityOptions, ["no-new-privileges=false", "seccomp=unconfined"]);
  assert.equal(config.supplementalGroupsPolicy, "merge");
});

test("what runs: command replaces the entry point, args the command, variables keep their order", async () => {
  const text = new TextEncoder();
  const config = await convert({
    command: ["/bin/sh"],
    args: ["-c", "true"],
    workingDir: "/work",
    envs: [
      { key: "B", value: text.encode("1=2") },
      { key: "A", value: text.encode("") },
    ],
    tty: true,
    stdin: true,
    stdinOnce: true,
    labels: { a: "b" },
    annotations: { c: "d" },
  });
  assert.deepEqual([config.entrypoint, config.command], [["/bin/sh"], ["-c", "true"]]);
  assert.deepEqual(config.environment, ["B=1=2", "A="]);
  assert.deepEqual([config.workingDirectory, config.terminal, config.openStdin], ["/work", true, true]);
  assert.deepEqual([config.stdinOnce, config.labels, config.annotations], [true, { a: "b" }, { c: "d" }]);
});

test("every stop signal has a name, and the way back", () => {
  assert.equal(toStopSignal(cri.Signal.RUNTIME_DEFAULT), undefined);
  assert.equal(toStopSignal(cri.Signal.SIGQUIT), "SIGQUIT");
  assert.equal(toStopSignal(cri.Signal.SIGRTMINPLUS3), "SIGRTMIN+3");
  assert.equal(toStopSignal(cri.Signal.SIGRTMAXMINUS1), "SIGRTMIN+29");
  assert.throws(() => toStopSignal(99 as cri.Signal), { message: "invalid stop signal: 99" });
  for (const { number } of cri.SignalSchema.values) {
    const name = toStopSignal(number) ?? "SIGTERM";
    assert.equal(toStopSignal(fromStopSignal(name)), name);
  }
  assert.equal(fromStopSignal("SIGKILL"), cri.Signal.SIGKILL);
});

const { RuntimeDefault, Unconfined, Localhost } = cri.SecurityProfile_ProfileType;
const profiles: readonly [security: SecurityInit, options: readonly string[]][] = [
  [{}, ["seccomp=unconfined"]],
  [{ seccomp: {} }, ["seccomp=builtin"]],
  [{ seccomp: { profileType: RuntimeDefault } }, ["seccomp=builtin"]],
  [{ seccomp: { profileType: Unconfined } }, ["seccomp=unconfined"]],
  [{ seccompProfilePath: "runtime/default" }, ["seccomp=builtin"]],
  [{ seccompProfilePath: "docker/default" }, ["seccomp=builtin"]],
  [{ seccompProfilePath: "unconfined", seccomp: {} }, ["seccomp=builtin"]],
  [{ apparmor: {} }, ["seccomp=unconfined"]],
  [{ apparmor: { profileType: Unconfined } }, ["seccomp=unconfined", "apparmor=unconfined"]],
  [{ apparmor: { profileType: Localhost, localhostRef: "p" } }, ["seccomp=unconfined", "apparmor=p"]],
  [{ apparmorProfile: "localhost/p" }, ["seccomp=unconfined", "apparmor=p"]],
  [{ apparmorProfile: "localhost/p", apparmor: {} }, ["seccomp=unconfined"]],
  [{ privileged: true, seccomp: {}, apparmorProfile: "localhost/p" }, ["seccomp=unconfined"]],
  [{ selinuxOptions: { type: "t", level: "s0:c1" } }, ["seccomp=unconfined", "label=type:t", "label=level:s0:c1"]],
];
for (const [security, options] of profiles) {
  test(`profiles of ${JSON.stringify(security)}`, async () => {
    const { securityOptions } = await withSecurity(security);
    assert.deepEqual(securityOptions, ["no-new-privileges=false", ...options]);
  });
}

test("a seccomp profile of the host is read, and an unreadable one is named", async (t) => {
  const directory = await mkdtemp(path.join(tmpdir(), "berth-cri-config-"));
  t.after(async () => await rm(directory, { recursive: true }));
  const file = path.join(directory, "profile.json");
  await writeFile(file, '{"defaultAction":"SCMP_ACT_ALLOW"}');
  const read = async (localhostRef: string) =>
    await withSecurity({ seccomp: { profileType: Localhost, localhostRef } });
  assert.deepEqual((await read(file)).securityOptions.slice(1), ['seccomp={"defaultAction":"SCMP_ACT_ALLOW"}']);
  assert.equal((await withSecurity({ seccompProfilePath: `localhost/${file}` })).securityOptions.length, 2);
  await assert.rejects(read(`${file}.missing`), { code: "failed-precondition", message: /seccomp profile .*missing/ });
  await assert.rejects(read("profile.json"), { code: "invalid-argument" });
  await assert.rejects(read("/dev/null"), { code: "failed-precondition" });
});

test("a filter that neither kernel nor runtime has is refused, but not its absence", async () => {
  const features = { ...surroundings.features, seccomp: false };
  await assert.rejects(withSecurity({ seccomp: {} }, { features }), { code: "failed-precondition" });
  await assert.rejects(withSecurity({ seccomp: {} }, { host: hostFacts({ seccomp: false }) }), {
    code: "failed-precondition",
  });
  assert.deepEqual((await withSecurity({}, { features })).securityOptions.at(-1), "seccomp=unconfined");
});

test("capabilities, hidden paths, root and privileges", async () => {
  const config = await withSecurity({
    capabilities: { addCapabilities: ["NET_ADMIN"], dropCapabilities: ["ALL"], addAmbientCapabilities: ["CHOWN"] },
    maskedPaths: ["/proc/a"],
    readonlyPaths: ["/proc/b"],
    readonlyRootfs: true,
    noNewPrivs: true,
  });
  assert.deepEqual(
    [config.capabilitiesAdd, config.capabilitiesDrop, config.capabilitiesAmbient],
    [["NET_ADMIN"], ["ALL"], ["CHOWN"]],
  );
  assert.deepEqual([config.maskedPaths, config.readonlyPaths, config.readOnlyRoot], [["/proc/a"], ["/proc/b"], true]);
  assert.equal(config.securityOptions[0], "no-new-privileges=true");
});

test("a privileged container needs a pod that may have one, and is not asked about capabilities", async () => {
  const asked = { privileged: true, capabilities: { dropCapabilities: ["ALL"] } };
  const config = await withSecurity(asked);
  assert.deepEqual([config.privileged, config.capabilitiesDrop], [true, []]);
  await assert.rejects(withSecurity(asked, { pod: { ...surroundings.pod, privileged: false } }), {
    code: "invalid-argument",
    message: "no privileged container allowed in sandbox",
  });
});

const users: readonly [security: SecurityInit, user: string | undefined][] = [
  [{}, undefined],
  [{ runAsUser: { value: 0n } }, "0"],
  [{ runAsUser: { value: 1000n }, runAsGroup: { value: 0n } }, "1000:0"],
  [{ runAsUsername: "nobody" }, "nobody"],
  [{ runAsUsername: "nobody", runAsGroup: { value: 7n } }, "nobody:7"],
];
for (const [security, user] of users) {
  test(`user ${user ?? "of the image"}`, async () => assert.equal((await withSecurity(security)).user, user));
}

test("supplemental groups are numbers, with their policy", async () => {
  const { groupAdd, supplementalGroupsPolicy } = await withSecurity({
    supplementalGroups: [1234n, 5n],
    supplementalGroupsPolicy: cri.SupplementalGroupsPolicy.Strict,
  });
  assert.deepEqual([groupAdd, supplementalGroupsPolicy], [["1234", "5"], "strict"]);
});

test("mounts: host paths with their propagation, images, and what is mounted at one place last", async () => {
  const bind = { type: "bind", source: "/srv", target: "/mnt", readOnly: false, recursive: "writable" } as const;
  const one = async (mount: MountInit) => (await withMount(mount)).mounts[0];
  assert.deepEqual(await one({}), { ...bind, createSource: false });
  assert.deepEqual(await one({ containerPath: "mnt/" }), { ...bind, createSource: false });
  const { PROPAGATION_HOST_TO_CONTAINER, PROPAGATION_BIDIRECTIONAL } = cri.MountPropagation;
  const propagated = { ...bind, createSource: false };
  assert.deepEqual(await one({ propagation: PROPAGATION_HOST_TO_CONTAINER }), { ...propagated, propagation: "rslave" });
  assert.deepEqual(await one({ propagation: PROPAGATION_BIDIRECTIONAL }), { ...propagated, propagation: "rshared" });
  assert.deepEqual(await one({ readonly: true, recursiveReadOnly: true, selinuxRelabel: true }), {
    ...propagated,
    readOnly: true,
    recursive: "readonly",
    relabel: true,
  });
  const ids = [{ containerId: 0, hostId: 65536, length: 10 }];
  const range = [{ containerId: 0, hostId: 65536, size: 10 }];
  assert.deepEqual(await one({ uidMappings: ids, gidMappings: ids }), {
    ...propagated,
    idMappings: { uidMappings: range, gidMappings: range },
  });
  assert.deepEqual(await one({ hostPath: "", image: { image: "i" }, imageSubPath: "a/b", readonly: true }), {
    type: "image",
    image: "i",
    subPath: "a/b",
    target: "/mnt",
    readOnly: true,
  });
  const twice = await convert({
    mounts: [
      { containerPath: "/a", hostPath: "/one" },
      { containerPath: "/b", hostPath: "/b" },
      { containerPath: "/a/", hostPath: "/two" },
    ],
  });
  assert.deepEqual(
    twice.mounts.map((mount) => (mount.type === "bind" ? mount.source : "")),
    ["/b", "/two"],
  );
});

test("devices by path, and by name of the field and of annotations, each once", async () => {
  const config = await convert({
    devices: [
      { hostPath: "/dev/fuse", permissions: "mrw" },
      { hostPath: "/dev/dri", containerPath: "/dev/gpu" },
    ],
    CDIDevices: [{ name: "v.com/c=one" }],
    annotations: { "cdi.k8s.io/x": "v.com/c=two,v.com/c=one", other: "v.com/c=three" },
  });
  assert.deepEqual(config.devices, [
    { host: "/dev/fuse", container: "/dev/fuse", permissions: "mrw" },
    { host: "/dev/dri", container: "/dev/gpu", permissions: "rwm" },
  ]);
  assert.deepEqual(config.cdiDevices, ["v.com/c=one", "v.com/c=two"]);
});

const range = (hostId: number, containerId = 0) => [{ hostId, containerId, length: 65536 }];
const userNamespace = {
  uidMappings: [{ containerId: 0, hostId: 100000, size: 65536 }],
  gidMappings: [{ containerId: 0, hostId: 100000, size: 65536 }],
};
const remapped = { pod: { ...surroundings.pod, userNamespace } };
const { POD, CONTAINER, NODE, TARGET } = cri.NamespaceMode;

test("whose processes a container sees", async () => {
  const mode = async (pid: cri.NamespaceMode, ofPod: "pod" | "container" | "host", targetId = "") =>
    (await withSecurity({ namespaceOptions: { pid, targetId } }, { pod: { ...surroundings.pod, pid: ofPod } })).pidMode;
  assert.equal(await mode(POD, "pod"), "pod");
  assert.equal(await mode(POD, "container"), "");
  assert.equal(await mode(POD, "host"), "host");
  assert.equal(await mode(CONTAINER, "pod"), "");
  assert.equal(await mode(NODE, "pod"), "host");
  assert.equal(await mode(TARGET, "pod", "abc"), "container:abc");
});

test("a user namespace is the pod's, and the same when it is said again", async () => {
  assert.equal((await convert({}, remapped)).usernsMode, "pod");
  const same = { mode: POD, uids: range(100000), gids: range(100000) };
  assert.equal((await withSecurity({ namespaceOptions: { usernsOptions: same } }, remapped)).usernsMode, "pod");
  assert.equal((await withSecurity({ namespaceOptions: { usernsOptions: { mode: NODE } } })).usernsMode, undefined);
});

const bytes = (...values: readonly number[]) => new Uint8Array(values);
const refused: readonly [init: Init, message: RegExp | string, given?: Partial<ContainerSurroundings>][] = [
  [{ metadata: { name: "" } }, "the container's metadata must include a name"],
  [{ image: {} }, "container config must include an image"],
  [{ envs: [{ key: "", value: bytes(1) }] }, 'invalid environment variable name: ""'],
  [{ envs: [{ key: "A=B", value: bytes(1) }] }, 'invalid environment variable name: "A=B"'],
  [
    { envs: [{ key: "A", value: bytes(0xff) }] },
    "the environment variable A is not UTF-8: a runtime cannot be given it",
  ],
  [{ mounts: [{ hostPath: "/a" }] }, "a mount must have a container path"],
  [{ mounts: [{ containerPath: "/a" }] }, "the mount at /a must have a host path or an image"],
  [{ mounts: [{ containerPath: "/a", hostPath: "b" }] }, /must be absolute/],
  [{ mounts: [{ containerPath: "/", hostPath: "/b" }] }, /destination can't be '\/'/],
  [
    { mounts: [{ containerPath: "/a", hostPath: "/b", image: { image: "i" }, readonly: true }] },
    "the mount at /a has both a host path and an image",
  ],
  [{ mounts: [{ containerPath: "/a", image: { image: "i" } }] }, "the image at /a can only be mounted read-only"],
  [
    { mounts: [{ containerPath: "/a", image: { image: "i" }, readonly: true, imageSubPath: "../../x" }] },
    /subpath must be a relative path/,
  ],
  [
    { mounts: [{ containerPath: "/a", hostPath: "/b", imageSubPath: "x" }] },
    "the mount at /a has an image sub path but no image",
  ],
  [
    { mounts: [{ containerPath: "/a", hostPath: "/b", recursiveReadOnly: true }] },
    "recursive read-only mount at /a must be read-only",
  ],
  ...[1, 2].map((propagation): [Init, string] => [
    { mounts: [{ containerPath: "/a", hostPath: "/b", recursiveReadOnly: true, readonly: true, propagation }] },
    "recursive read-only mount at /a must have private propagation",
  ]),
  [{ mounts: [{ containerPath: "/a", hostPath: "/b", uidMappings: range(1) }] }, /group id 0 .* is not mapped/],
  [{ devices: [{ hostPath: "fuse" }] }, 'the device "fuse" is no absolute path'],
  [{ devices: [{ hostPath: "/dev/fuse", permissions: "rx" }] }, "invalid permissions of device /dev/fuse: rx"],
  [{ CDIDevices: [{ name: "gpu0" }] }, 'invalid CDI device name "gpu0": it is vendor/class=name'],
  [{ annotations: { "cdi.k8s.io/x": "a=b" } }, 'invalid CDI device name "a=b": it is vendor/class=name'],
  [{ stopSignal: 99 as cri.Signal }, "invalid stop signal: 99"],
  ...(
    [
      [{ runAsUser: { value: -1n } }, "run_as_user must be in range 0-2147483647, not -1"],
      [{ runAsUser: { value: 2n ** 31n } }, "run_as_user must be in range 0-2147483647, not 2147483648"],
      [{ runAsGroup: { value: 5n } }, "user group 5 is specified without user"],
      [{ runAsUser: { value: 1n }, runAsGroup: { value: -5n } }, "run_as_group must be in range 0-2147483647, not -5"],
      [{ runAsUser: { value: 1n }, runAsUsername: "a" }, "run_as_user and run_as_username exclude each other"],
      [{ runAsUsername: "a:b" }, 'invalid run_as_username: "a:b"'],
      [{ supplementalGroups: [-1n] }, "supplemental group must be in range 0-2147483647, not -1"],
      [{ supplementalGroupsPolicy: 9 as cri.SupplementalGroupsPolicy }, "invalid supplemental groups policy: 9"],
      [{ maskedPaths: ["proc"] }, 'masked and read-only paths must be absolute: "proc"'],
      [{ seccomp: { profileType: 9 as cri.SecurityProfile_ProfileType } }, "invalid type of seccomp profile: 9"],
      [{ apparmor: { profileType: Localhost } }, "an apparmor profile of the host needs a name"],
      [{ seccompProfilePath: "mine" }, "invalid seccomp profile: mine"],
      [{ namespaceOptions: { pid: TARGET } }, "PID mode TARGET needs the id of a container"],
      [{ namespaceOptions: { network: NODE } }, "the container's network mode NODE differs from the pod's"],
      [{ namespaceOptions: { ipc: NODE } }, "the container's IPC mode NODE differs from the pod's"],
      [{ namespaceOptions: { usernsOptions: { mode: CONTAINER } } }, "unsupported user namespace mode: CONTAINER"],
      [{ namespaceOptions: { usernsOptions: { mode: TARGET } } }, "unsupported user namespace mode: TARGET"],
      [
        { namespaceOptions: { usernsOptions: { mode: POD, uids: range(1), gids: range(1) } } },
        "the container's user namespace differs from the pod's",
      ],
    ] satisfies readonly [SecurityInit, string][]
  ).map(([securityContext, message]): [Init, string] => [{ linux: { securityContext } }, message]),
  [
    { linux: { securityContext: { namespaceOptions: { usernsOptions: { mode: NODE } } } } },
    "the container's user namespace differs from the pod's",
    remapped,
  ],
];
for (const [init, message, given] of refused) {
  test(`refused: ${String(message)}`, async () => {
    await assert.rejects(convert(init, given), { code: "invalid-argument", message });
  });
}

test("a container without metadata is refused", async () => {
  await assert.rejects(toContainerConfig(create(cri.ContainerConfigSchema), surroundings), {
    code: "invalid-argument",
    message: "container config must include metadata",
  });
});

test("what runtime or kernel cannot do is a failed precondition, in words that kubelets know", async () => {
  const features = { seccomp: true };
  await assert.rejects(withMount({ readonly: true, recursiveReadOnly: true }, { features }), {
    code: "failed-precondition",
    message: /^RROUnsupported: /,
  });
  await assert.rejects(withMount({ uidMappings: range(1), gidMappings: range(1) }, { features }), {
    code: "failed-precondition",
  });
});

test("logs lie below the pod's directory", () => {
  assert.equal(toLogPath({ logPath: "main/0.log" }, "/var/log/pods/p/"), "/var/log/pods/p/main/0.log");
  assert.equal(toLogPath({ logPath: "" }, "/var/log/pods/p"), "");
  assert.equal(toLogPath({ logPath: "0.log" }, ""), "");
  for (const logPath of ["../../x", "a/../../x", ".."]) {
    assert.throws(() => toLogPath({ logPath }, "/var/log/p"), { code: "invalid-argument" }, logPath);
  }
});
