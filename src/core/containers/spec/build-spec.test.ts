// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { capabilityNames } from "../../../base/capabilities.ts";
import { defaultCapabilities } from "../../../oci/runtime/capabilities.ts";
import type { RuntimeMount, RuntimeSpec } from "../../../oci/runtime/spec.ts";
import type { ContainerConfig, MountRequest } from "../container-config.ts";
import { containerConfig, hostFacts, specInput } from "../testing/spec-inputs.ts";
import { buildSpec } from "./build-spec.ts";
import { checkContainerConfig } from "./check-config.ts";
import { buildExecProcess } from "./exec-process.ts";
import type { SpecInput } from "./spec-input.ts";

const build = (config: Partial<ContainerConfig> = {}, overrides: Partial<SpecInput> = {}) =>
  buildSpec(specInput(config, overrides));
const mountAt = (spec: RuntimeSpec, destination: string): RuntimeMount | undefined =>
  spec.mounts.find((mount) => mount.destination === destination);
const v1 = hostFacts({ cgroup: { version: 1, hybrid: true, controllers: ["memory"], ownPath: "/" } });

test("the same input gives the same document", () => {
  assert.equal(JSON.stringify(build()), JSON.stringify(build()));
});

const commands: readonly [entrypoint: string[] | undefined, command: string[] | undefined, args: string[]][] = [
  [undefined, undefined, ["/entry", "image", "command"]],
  [undefined, ["mine"], ["/entry", "mine"]],
  [["/own"], undefined, ["/own"]],
  [["/own"], ["mine"], ["/own", "mine"]],
  [[], ["mine"], ["mine"]],
  [[""], ["mine"], ["mine"]],
];
for (const [entrypoint, command, args] of commands) {
  test(`entrypoint ${JSON.stringify(entrypoint)} and command ${JSON.stringify(command)} run ${args.join(" ")}`, () => {
    const image = { Entrypoint: ["/entry"], Cmd: ["image", "command"] };
    const own = { ...(entrypoint === undefined ? {} : { entrypoint }), ...(command === undefined ? {} : { command }) };
    const { command: _default, ...config } = specInput().config;
    assert.deepEqual(buildSpec({ ...specInput({}, { image }), config: { ...config, ...own } }).process.args, args);
  });
}

test("nothing to run is refused", () => {
  assert.throws(() => build({ command: [] }), { code: "invalid-argument", message: "no command specified" });
});

test("the environment: engine, image, user in this order; a name alone unsets", () => {
  const image = { Env: ["PATH=/image", "A=1", "B=1", "C=1"] };
  const { env } = build({ environment: ["B=2", "C", "D=x=y"], terminal: true }, { image }).process;
  assert.deepEqual(env, ["PATH=/image", "HOSTNAME=c1", "TERM=xterm", "A=1", "B=2", "D=x=y", "HOME=/root"]);
  assert.equal(build({ environment: ["HOME=/h"] }).process.env.includes("HOME=/h"), true);
  assert.throws(() => build({ environment: ["=x"] }), { message: "invalid environment variable: =x" });
});

test("the working directory is the user's, the image's or the root, and absolute", () => {
  const image = { WorkingDir: "/image/" };
  assert.equal(build().process.cwd, "/");
  assert.equal(build({}, { image }).process.cwd, "/image");
  assert.equal(build({ workingDirectory: "/own/../x" }, { image }).process.cwd, "/x");
  assert.throws(() => build({ workingDirectory: "x" }), {
    message: "the working directory 'x' is invalid, it needs to be an absolute path",
  });
  for (const workingDirectory of ["/proc/self/fd/7", "/proc/1/../self/fd/8/..", "/proc/self/task/1/fd"]) {
    assert.throws(() => build({ workingDirectory }), { code: "invalid-argument" }, workingDirectory);
  }
});

test("a user other than root holds its capabilities only in the bounding set", () => {
  const user = { uid: 33, gid: 33, additionalGids: [33, 5], home: "/var/www" };
  const { capabilities, user: own } = build({}, { user }).process;
  assert.deepEqual(own, { uid: 33, gid: 33, additionalGids: [33, 5] });
  assert.deepEqual(capabilities, {
    bounding: defaultCapabilities,
    effective: [],
    permitted: [],
    inheritable: [],
    ambient: [],
  });
});

test("namespaces are the sandbox's, the runtime's or the host's", () => {
  const types = (spec: RuntimeSpec) => spec.linux.namespaces.map(({ type, path }) => `${type}${path ?? ""}`);
  assert.deepEqual(types(build()), ["mount", "network/run/net", "uts/run/uts", "pid", "ipc/run/ipc", "cgroup"]);
  const host = build(
    { cgroupnsMode: "host" },
    { namespaces: { network: "host", ipc: "host", uts: "host", pid: "host" } },
  );
  assert.deepEqual(types(host), ["mount"]);
  assert.equal(host.hostname, undefined);
});

test("the cgroup namespace is private by default on version 2 only", () => {
  const isPrivate = (config: Partial<ContainerConfig>, host = hostFacts()) =>
    build(config, { host }).linux.namespaces.some(({ type }) => type === "cgroup");
  assert.equal(isPrivate({}), true);
  assert.equal(isPrivate({}, v1), false);
  assert.equal(isPrivate({ cgroupnsMode: "private" }, v1), true);
  assert.equal(isPrivate({ cgroupnsMode: "host" }), false);
});

const badModes: readonly [config: Partial<ContainerConfig>, message: string][] = [
  [{ pidMode: "x" }, "invalid PID mode: x"],
  [{ ipcMode: "container:" }, "invalid IPC mode: container:"],
  [{ utsMode: "x" }, "invalid UTS mode: x"],
  [{ usernsMode: "x" }, "invalid USER mode: x"],
  [{ cgroupnsMode: "x" }, "invalid cgroup namespace mode: x"],
  [{ hostname: "h", utsMode: "host" }, "conflicting options: hostname and the UTS mode"],
  [{ hostname: "h", networkMode: "container:a" }, "conflicting options: hostname and the network mode"],
  [
    { publishAll: true, networkMode: "container:a" },
    "conflicting options: port publishing and the container type network mode",
  ],
];
for (const [config, message] of badModes) {
  test(`refused: ${message}`, () => assert.throws(() => build(config), { code: "invalid-argument", message }));
}

test("sysctls: Docker's defaults for an own network; the host's namespaces are out of reach", () => {
  assert.deepEqual(Object.keys(build().linux.sysctl ?? {}), [
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ping_group_range",
  ]);
  assert.deepEqual(build({ networkMode: "host" }).linux.sysctl, {});
  assert.deepEqual(build({ networkMode: "host", sysctls: { "kernel.shmmax": "1" } }).linux.sysctl, {
    "kernel.shmmax": "1",
  });
  const refused: readonly [Partial<ContainerConfig>, string][] = [
    [
      { sysctls: { "kernel.core_pattern": "|x" } },
      'sysctl "kernel.core_pattern" is not in a separate kernel namespace',
    ],
    [{ sysctls: { "net/../kernel.x": "1" } }, 'sysctl "net/../kernel.x" is not in a separate kernel namespace'],
    [
      { sysctls: { "net.a/../../kernel/core_pattern": "1" } },
      'sysctl "net.a/../../kernel/core_pattern" is not in a separate kernel namespace',
    ],
    [
      { networkMode: "host", sysctls: { "net.a.b": "1" } },
      `sysctl "net.a.b" is not allowed in the host's network namespace`,
    ],
    [
      { ipcMode: "host", sysctls: { "kernel.shmmax": "1" } },
      `sysctl "kernel.shmmax" is not allowed in the host's ipc namespace`,
    ],
  ];
  for (const [config, message] of refused) assert.throws(() => build(config), { message }, message);
});

test("privileged: every capability, no filter, nothing masked, all devices, writable kernel file systems", () => {
  const disk = { type: "b", path: "/dev/sda", major: 8, minor: 0, permissions: "rwm" } as const;
  const available = capabilityNames.filter((name) => name !== "CAP_SYS_RESOURCE");
  const spec = build({ privileged: true }, { hostDevices: [disk], host: hostFacts({ capabilities: available }) });
  assert.deepEqual(spec.process.capabilities?.effective, available);
  assert.equal(spec.linux.seccomp, undefined);
  assert.deepEqual([spec.linux.maskedPaths, spec.linux.readonlyPaths], [[], []]);
  assert.deepEqual(spec.linux.devices, [{ type: "b", path: "/dev/sda", major: 8, minor: 0 }]);
  assert.deepEqual(spec.linux.resources?.devices, [{ allow: true, access: "rwm" }]);
  for (const path of ["/sys", "/sys/fs/cgroup"]) assert.equal(mountAt(spec, path)?.options?.includes("rw"), true, path);
});

test("devices: all denied but the usual and those asked for", () => {
  const device = {
    type: "c",
    path: "/dev/x",
    major: 10,
    minor: 200,
    fileMode: 0o660,
    uid: 0,
    gid: 6,
    permissions: "rw",
  } as const;
  const { linux } = build({ deviceCgroupRules: ["b 7:* r"] }, { devices: [device] });
  const rules = linux.resources?.devices ?? [];
  assert.deepEqual(rules[0], { allow: false, access: "rwm" });
  assert.deepEqual(rules.at(-2), { allow: true, type: "c", major: 10, minor: 200, access: "rw" });
  assert.deepEqual(rules.at(-1), { allow: true, type: "b", major: 7, access: "r" });
  assert.deepEqual(linux.devices, [
    { type: "c", path: "/dev/x", major: 10, minor: 200, fileMode: 0o660, uid: 0, gid: 6 },
  ]);
});

function withMounts(
  requests: readonly MountRequest[],
  config: Partial<ContainerConfig> = {},
  rro = false,
): RuntimeSpec {
  return build(config, {
    mounts: requests.map((request) => ({
      request,
      source: "source" in request ? (request.source ?? "/anonymous") : "",
    })),
    features: { ociVersion: "1.2.0", seccomp: true, recursiveReadOnly: rro },
  });
}
const bind = {
  type: "bind",
  source: "/src",
  target: "/dst",
  readOnly: false,
  recursive: "enabled",
  createSource: false,
} as const;

const bindOptions: readonly [request: Partial<typeof bind> | object, rro: boolean, options: string[]][] = [
  [{}, false, ["rbind", "rprivate"]],
  [{ readOnly: true }, false, ["rbind", "rprivate", "ro"]],
  [{ readOnly: true }, true, ["rbind", "rprivate", "rro"]],
  [{ readOnly: true, recursive: "writable" }, true, ["rbind", "rprivate", "ro"]],
  [{ recursive: "disabled", propagation: "slave" }, true, ["bind", "slave"]],
];
for (const [request, rro, options] of bindOptions) {
  test(`bind ${JSON.stringify(request)} is ${options.join(",")}`, () => {
    const spec = withMounts([{ ...bind, ...request } as MountRequest], {}, rro);
    assert.deepEqual(mountAt(spec, "/dst"), { destination: "/dst", type: "bind", source: "/src", options });
  });
}

test("a propagating bind makes the root propagate too", () => {
  assert.equal(withMounts([bind]).linux.rootfsPropagation, undefined);
  assert.equal(withMounts([{ ...bind, propagation: "rslave" }]).linux.rootfsPropagation, "rslave");
  assert.equal(withMounts([{ ...bind, propagation: "shared" }]).linux.rootfsPropagation, "rshared");
});

test("mounts are in an order that can be made, and a user's replaces a default", () => {
  const targets = ["/a/b/c", "/a", "/dev/shm", "/a/b"].map((target): MountRequest => ({ ...bind, target }));
  const places = withMounts(targets).mounts.map((mount) => mount.destination);
  assert.deepEqual(
    places.slice(-3),
    ["/dev/shm", "/a/b", "/a/b/c"].toSorted((x, y) => x.split("/").length - y.split("/").length),
  );
  assert.ok(places.indexOf("/a") < places.indexOf("/a/b") && places.indexOf("/a/b") < places.indexOf("/a/b/c"));
  assert.equal(places.filter((place) => place === "/dev/shm").length, 1);
  const own = withMounts([{ ...bind, target: "/dev" }]);
  assert.equal(
    own.mounts.some((mount) => mount.destination === "/dev/pts"),
    false,
  );
});

test("tmpfs has Docker's defaults, which later words override", () => {
  const options = (request: object) =>
    mountAt(withMounts([{ type: "tmpfs", target: "/t", readOnly: false, options: [], ...request }]), "/t")?.options;
  assert.deepEqual(options({}), ["noexec", "nosuid", "nodev"]);
  assert.deepEqual(options({ options: ["exec", "size=64m"] }), ["exec", "nosuid", "nodev", "size=64m"]);
  assert.deepEqual(options({ sizeBytes: 5, mode: 0o700 }), ["noexec", "nosuid", "nodev", "size=5", "mode=700"]);
  for (const option of ["x", "size=x", "uid=a", "context=b", "toString=1"]) {
    assert.throws(() => options({ options: [option] }), { message: `invalid tmpfs option ${JSON.stringify(option)}` });
  }
});

test("a read-only root leaves only what must be written writable", () => {
  const networkFiles = { hosts: "/h", resolvConf: "/r", hostname: "/n" };
  const spec = build({ readOnlyRoot: true }, { networkFiles });
  assert.equal(spec.root.readonly, true);
  assert.deepEqual(mountAt(spec, "/etc/hosts")?.options, ["rbind", "rprivate", "ro"]);
  assert.equal(mountAt(spec, "/dev/shm")?.options?.includes("ro"), false);
  assert.deepEqual(mountAt(build({}, { networkFiles }), "/etc/hosts")?.options, ["rbind", "rprivate"]);
});

test("shared memory: sized, shared, the host's or none", () => {
  assert.equal(mountAt(build(), "/dev/shm")?.options?.at(-1), "size=67108864");
  assert.equal(mountAt(build({ shmSizeBytes: 5 }), "/dev/shm")?.options?.at(-1), "size=5");
  assert.equal(mountAt(build({}, { sharedMemoryPath: "/run/shm" }), "/dev/shm")?.source, "/run/shm");
  assert.equal(mountAt(build({ ipcMode: "host" }), "/dev/shm")?.source, "/dev/shm");
  assert.equal(mountAt(build({ ipcMode: "none" }), "/dev/shm"), undefined);
});

test("--init puts a read-only program before the command", () => {
  const spec = build({ init: true }, { initPath: "/usr/lib/init" });
  assert.deepEqual(spec.process.args, ["/sbin/berth-init", "--", "true"]);
  assert.equal(mountAt(spec, "/sbin/berth-init")?.options?.includes("ro"), true);
  assert.throws(() => build({ init: true }), { code: "failed-precondition" });
});

test("the cgroup is below berth, below a parent, or systemd's", () => {
  const features = { ociVersion: "1.2.0", seccomp: true, systemdCgroup: true };
  assert.equal(build().linux.cgroupsPath, "/berth/c1");
  assert.equal(build({ cgroupParent: "pods/../../x" }).linux.cgroupsPath, "/x/c1");
  assert.equal(build({}, { features }).linux.cgroupsPath, "system.slice:berth:c1");
  assert.equal(build({ cgroupParent: "my.slice" }, { features }).linux.cgroupsPath, "my.slice:berth:c1");
  assert.throws(() => build({ cgroupParent: "/x" }, { features }), { code: "invalid-argument" });
});

test("the version is the runtime's when that is older, and a user's annotation never moves the sandbox", () => {
  const version = (ociVersion: string) => build({}, { features: { ociVersion, seccomp: true } }).ociVersion;
  assert.deepEqual(["1.0.2-dev", "1.2.0", "1.4.0"].map(version), ["1.0.2-dev", "1.2.0", "1.3.0"]);
  const annotations = { a: "b", "io.kubernetes.cri.sandbox-id": "other" };
  assert.deepEqual(build({ annotations }).annotations, { a: "b", "io.kubernetes.cri.sandbox-id": "s1" });
});

test("the filter: the default, one's own, none", () => {
  const filter = (securityOptions: readonly string[], overrides: Partial<SpecInput> = {}) =>
    build({ securityOptions }, overrides).linux.seccomp;
  assert.equal(filter([])?.defaultAction, "SCMP_ACT_ERRNO");
  assert.equal(filter(["seccomp=unconfined"]), undefined);
  assert.equal(filter([`seccomp={"defaultAction":"SCMP_ACT_LOG"}`])?.defaultAction, "SCMP_ACT_LOG");
  assert.equal(filter([], { host: hostFacts({ seccomp: false }) }), undefined);
  assert.throws(() => filter(["seccomp={"]), { message: "decoding seccomp profile failed: it is not JSON" });
});

test("an exec has the variables that devices and hooks gave the container, not its terminal or home", () => {
  const input = specInput({ environment: ["A=1", "B"], terminal: true }, { image: { Env: ["B=1"] } });
  const built = buildSpec(input).process;
  const container = { ...built, env: [...built.env, "GPU=0"] };
  const user = { uid: 33, gid: 33, additionalGids: [33], home: "/var/www" };
  const { env } = buildExecProcess({
    ...input,
    container,
    user,
    command: ["id"],
    environment: ["A=2"],
    terminal: false,
    privileged: false,
  });
  assert.deepEqual(env.slice(1), ["HOSTNAME=c1", "A=2", "GPU=0", "HOME=/var/www"]);
});

test("an exec inherits what the container's process has", () => {
  const input = specInput({ capabilitiesAdd: ["NET_ADMIN"], environment: ["A=1"], workingDirectory: "/w" });
  const container = buildSpec(input).process;
  const exec = { ...input, container, command: ["id"], environment: ["B=2"], terminal: true, privileged: false };
  const process = buildExecProcess(exec);
  assert.deepEqual(process.capabilities, container.capabilities);
  assert.deepEqual(process.rlimits, container.rlimits);
  assert.equal(process.cwd, "/w");
  assert.deepEqual(process.env.slice(1), ["HOSTNAME=c1", "TERM=xterm", "A=1", "B=2", "HOME=/root"]);
  assert.deepEqual(buildExecProcess({ ...exec, privileged: true }).capabilities?.effective, capabilityNames);
  assert.throws(() => buildExecProcess({ ...exec, command: [] }), { message: "no exec command specified" });
});

test("creation refuses what a start would refuse, and warns", () => {
  const check = (config: Partial<ContainerConfig>, host = hostFacts()) =>
    checkContainerConfig(containerConfig(config), host);
  assert.deepEqual(check({}), []);
  for (const config of [
    { capabilitiesAdd: ["FOO"] },
    { resources: { memoryBytes: 1 } },
    { ulimits: [{ name: "x", soft: 1, hard: 1 }] },
    { sysctls: { "vm.swappiness": "1" } },
    { mounts: [{ ...bind, target: "/" }] },
    { mounts: [bind, bind] },
    { securityOptions: ["x"] },
    { securityOptions: ["seccomp={}x"] },
    { workingDirectory: "x" },
    { oomScoreAdj: 5000 },
    { deviceCgroupRules: ["x"] },
    { environment: ["=x"] },
    { pidMode: "x" },
    { shmSizeBytes: -1 },
  ]) {
    assert.throws(() => check(config), { code: "invalid-argument" }, JSON.stringify(config));
  }
  assert.deepEqual(check({ publishAll: true, networkMode: "host" }), [
    "Published ports are discarded when using host network mode",
  ]);
});
