// SPDX-License-Identifier: Apache-2.0
// Plain inputs for tests of the specification builder: a container that asks for nothing, on a host that can do all.

import { capabilityNames } from "../../../base/capabilities.ts";
import type { HostFacts } from "../../host/host-facts.ts";
import type { ContainerConfig } from "../container-config.ts";
import type { SpecInput } from "../spec/spec-input.ts";

export function containerConfig(overrides: Partial<ContainerConfig> = {}): ContainerConfig {
  return {
    image: "busybox",
    environment: [],
    labels: {},
    terminal: false,
    openStdin: false,
    stdinOnce: false,
    exposedPorts: [],
    resources: {},
    privileged: false,
    capabilitiesAdd: [],
    capabilitiesDrop: [],
    securityOptions: [],
    readOnlyRoot: false,
    mounts: [],
    devices: [],
    deviceCgroupRules: [],
    ulimits: [],
    sysctls: {},
    groupAdd: [],
    networkMode: "bridge",
    pidMode: "",
    ipcMode: "private",
    utsMode: "",
    ports: [],
    publishAll: false,
    extraHosts: [],
    dns: [],
    dnsSearch: [],
    dnsOptions: [],
    init: false,
    autoRemove: false,
    restartPolicy: { name: "no", maximumRetries: 0 },
    annotations: {},
    ...overrides,
  };
}

export function hostFacts(overrides: Partial<HostFacts> = {}): HostFacts {
  return {
    architecture: "amd64",
    kernelVersion: "6.1.0-18-amd64",
    operatingSystem: "Debian GNU/Linux 12 (bookworm)",
    hostname: "host",
    bootId: "00000000-0000-0000-0000-000000000000",
    cpus: 4,
    memoryBytes: 8 * 1024 ** 3,
    cgroup: {
      version: 2,
      hybrid: false,
      controllers: ["cpuset", "cpu", "io", "memory", "pids"],
      ownPath: "/system.slice/berth.service",
    },
    capabilities: capabilityNames,
    rlimits: { RLIMIT_NOFILE: { soft: 1024, hard: 524_288 }, RLIMIT_CORE: { soft: 0, hard: "unlimited" } },
    raiseRlimits: true,
    oomScoreAdjMinimum: -1000,
    seccomp: true,
    apparmor: false,
    selinux: false,
    userNamespaces: true,
    defaultNameservers: [],
    ...overrides,
  };
}

export function specInput(
  config: Partial<ContainerConfig> = {},
  overrides: Partial<Omit<SpecInput, "config">> = {},
): SpecInput {
  return {
    id: "c1",
    sandboxId: "s1",
    config: containerConfig({ command: ["true"], ...config }),
    image: {},
    host: hostFacts(),
    hostname: "c1",
    user: { uid: 0, gid: 0, additionalGids: [0], home: "/root" },
    rootfsPath: "/rootfs",
    namespaces: { network: { path: "/run/net" }, ipc: { path: "/run/ipc" }, uts: { path: "/run/uts" }, pid: "new" },
    mounts: [],
    devices: [],
    hostDevices: [],
    features: { ociVersion: "1.2.0", seccomp: true },
    ...overrides,
  };
}
