// SPDX-License-Identifier: Apache-2.0
// What the daemon can be told, and what it does when it is told nothing.

import type { LogRotation } from "../core/streams/container-log.ts";
import type { RuntimeHandler } from "../core/tasks/task-runtime.ts";

export interface DaemonDirectories {
  /** Kept over reboots. */
  readonly root: string;
  /** Gone at reboot. */
  readonly state: string;
  /** Of the engine API. */
  readonly socket: string;
}

export interface DaemonConfig extends DaemonDirectories {
  readonly log: { readonly level: "debug" | "info" | "warn" | "error" };
  readonly registry: {
    /** Directories in containerd's hosts.toml form. */
    readonly configPaths: readonly string[];
    /** Hosts (with port) spoken to over plain HTTP. */
    readonly insecure: readonly string[];
    /** After which a pull of which no byte comes is given up. */
    readonly progressTimeoutMs: number;
  };
  readonly images: {
    /** Names, * for any text, or ids of images that no clean-up takes away. */
    readonly pinned: readonly string[];
  };
  readonly network: {
    /** The network that "bridge" means. */
    readonly default: string;
    /** Of the default network, should it have to be written. */
    readonly bridge: string;
    readonly subnet: string;
    /** CNI configuration lists. */
    readonly configDirectory: string;
    /** Searched before the usual places. */
    readonly pluginDirectories: readonly string[];
  };
  readonly containers: {
    readonly logRotation: LogRotation;
    /** Below which the cgroups of containers lie that name no parent. */
    readonly cgroupParent: string;
  };
  readonly cri: {
    /** Of Kubernetes' runtime interface. */
    readonly socket: string;
    /** Where network plugins put their configuration: the first one there is the pods' network. */
    readonly networkConfigDirectory: string;
    /** Of exec, attach and port-forward. */
    readonly streaming: {
      readonly address: string;
      /** 0 takes a free one. */
      readonly port: number;
      /** Files of a certificate and its key: TLS then. */
      readonly tls?: { readonly certificate: string; readonly key: string };
      /** After which a connection on which nothing happens is closed. */
      readonly idleTimeoutMs: number;
    };
  };
  readonly cdi: {
    /** Where vendors describe their devices; later ones win. */
    readonly directories: readonly string[];
  };
  readonly nri: {
    readonly enable: boolean;
    readonly socket: string;
    /** Programs that are started with the daemon. */
    readonly pluginDirectory: string;
    readonly configDirectory: string;
    /** For a plugin to register and take in all there is, and to answer anything else. */
    readonly registrationTimeoutMs: number;
    readonly requestTimeoutMs: number;
  };
  readonly runtime: {
    /** Undefined: the first handler that works here. */
    readonly default?: string;
    readonly handlers: readonly RuntimeHandler[];
  };
}

/** crun first: it is the faster one where it runs. */
export const defaultHandlers: readonly RuntimeHandler[] = [
  {
    name: "crun",
    driver: "shim",
    shim: "containerd-shim-runc-v2",
    binary: "crun",
    systemdCgroup: false,
    sandboxer: "namespaces",
  },
  {
    name: "runc",
    driver: "shim",
    shim: "containerd-shim-runc-v2",
    binary: "runc",
    systemdCgroup: false,
    sandboxer: "namespaces",
  },
];

export function defaultConfig(
  directories: { readonly [K in keyof DaemonDirectories]: string | undefined },
): DaemonConfig {
  const root = directories.root ?? "/var/lib/berth";
  const state = directories.state ?? "/run/berth";
  return {
    root,
    state,
    socket: directories.socket ?? `${state}/berth.sock`,
    log: { level: "info" },
    registry: {
      configPaths: ["/etc/berth/certs.d", "/etc/docker/certs.d"],
      insecure: [],
      progressTimeoutMs: 5 * 60_000,
    },
    images: { pinned: [] },
    network: {
      default: "berth",
      bridge: "berth0",
      subnet: "10.88.0.0/16",
      configDirectory: `${root}/networks`,
      pluginDirectories: [],
    },
    containers: { logRotation: { maximumSize: 10 * 1024 * 1024, maximumFiles: 3 }, cgroupParent: "/berth" },
    cri: {
      socket: `${state}/cri.sock`,
      networkConfigDirectory: "/etc/cni/net.d",
      streaming: { address: "127.0.0.1", port: 0, idleTimeoutMs: 4 * 3_600_000 },
    },
    cdi: { directories: ["/etc/cdi", "/var/run/cdi"] },
    nri: {
      enable: true,
      socket: "/var/run/nri/nri.sock",
      pluginDirectory: "/opt/nri/plugins",
      configDirectory: "/etc/nri/conf.d",
      registrationTimeoutMs: 5_000,
      requestTimeoutMs: 2_000,
    },
    runtime: { handlers: defaultHandlers },
  };
}

/** The defaults as a file to start from; parseConfig reads it back to the same values (tested). */
export const defaultConfigText = `# Berth daemon configuration. Every key shows its default; what is commented out follows from another.
version = 1

# Kept over reboots: images, snapshots, records, volumes.
root = "/var/lib/berth"
# Gone at reboot: sockets, namespaces, bundles.
state = "/run/berth"
# The engine API; berth.sock in the state directory unless given.
# socket = "/run/berth/berth.sock"

[log]
# debug, info, warn or error
level = "info"

[registry]
# Directories with HOST/hosts.toml (mirrors, certificates) or HOST/ca.crt.
config_path = ["/etc/berth/certs.d", "/etc/docker/certs.d"]
# Hosts (with port) that are spoken to over plain HTTP; loopback always is.
insecure = []
# A pull of which no byte comes for so long is given up.
pull_progress_timeout = "5m"

[images]
# Images that the kubelet's clean-up must leave alone: names, in which * stands for any text, or ids.
pinned = []

[network]
# The network that --network bridge means. It is written to config_directory once, if there is none.
default = "berth"
bridge = "berth0"
subnet = "10.88.0.0/16"
# CNI configuration lists; networks in the root directory unless given.
# config_directory = "/var/lib/berth/networks"
# Searched before /opt/cni/bin, /usr/lib/cni and /usr/libexec/cni.
plugin_directories = []

[containers]
log_max_size = "10m"
log_max_files = 3
# Below which the cgroups of containers lie that name no parent.
cgroup_parent = "/berth"

[cri]
# Kubernetes' runtime interface: the kubelet's --container-runtime-endpoint; cri.sock in the state directory unless given.
# socket = "/run/berth/cri.sock"
# Where a cluster's network plugin puts its configuration. The first one there is the pods' network, else the default one.
network_config_directory = "/etc/cni/net.d"
# The server for exec, attach and port-forward; port 0 takes a free one.
stream_address = "127.0.0.1"
stream_port = 0
# PEM files; both make it speak TLS.
# stream_tls_certificate = "/etc/berth/stream.crt"
# stream_tls_key = "/etc/berth/stream.key"
# A connection on which nothing happens for so long is closed.
stream_idle_timeout = "4h"

[cdi]
# Where vendors describe their devices (Container Device Interface); of two files with one device the later directory's wins.
directories = ["/etc/cdi", "/var/run/cdi"]

[nri]
# Plugins that watch and adjust pods' containers (Node Resource Interface). A socket that another runtime serves is left to it.
enable = true
socket = "/var/run/nri/nri.sock"
plugin_directory = "/opt/nri/plugins"
config_directory = "/etc/nri/conf.d"
# For a plugin to register and take in all there is, and to answer anything else. One that is slower is dropped.
registration_timeout = "5s"
request_timeout = "2s"

[runtime]
# The first handler below that works here is the default; name one to choose it.
# default = "runc"

[runtime.handlers.crun]
driver = "shim"
shim = "containerd-shim-runc-v2"
binary = "crun"
systemd_cgroup = false
# What makes the sandbox of a pod: "namespaces" alone, or a "task" in them first, as the shims of gVisor and Kata want it.
sandboxer = "namespaces"
# With "task", or for pods that share processes: an image to run there instead of Berth's own program that waits.
# sandbox_image = "registry.k8s.io/pause:3.10"

[runtime.handlers.runc]
driver = "shim"
shim = "containerd-shim-runc-v2"
binary = "runc"
systemd_cgroup = false
sandboxer = "namespaces"
`;
