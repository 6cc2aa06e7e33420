// SPDX-License-Identifier: Apache-2.0
// The flags of run and create that say what the container is. What becomes of them stands in container-options.ts.

import { cwd } from "node:process";
import { parseByteSize } from "../base/parse/byte-size.ts";
import { parseCpus } from "../base/parse/cpus.ts";
import { parseDevice, parseDeviceRule } from "../base/parse/device.ts";
import { parseMountFlag } from "../base/parse/mount-flag.ts";
import { parseExposedPort, parsePort } from "../base/parse/port.ts";
import { parseTmpfsFlag } from "../base/parse/tmpfs-flag.ts";
import { parseUlimit } from "../base/parse/ulimit.ts";
import { parseVolumeFlag } from "../base/parse/volume-flag.ts";
import { integer, list, text, toggle, value, values } from "./flags.ts";

/** A list flag whose values may also be given at once, with commas between them. */
const commaList = (given: string) => given.split(",");

const processFlags = {
  interactive: toggle("Keep STDIN open even if not attached", { short: "i" }),
  tty: toggle("Allocate a pseudo-TTY", { short: "t" }),
  attach: values("Attach to STDIN, STDOUT or STDERR", attachTarget, { short: "a" }),
  env: list("Set environment variables", { short: "e" }),
  "env-file": list("Read in a file of environment variables"),
  workdir: text("Working directory inside the container", { short: "w" }),
  user: text("Username or UID (format: <name|uid>[:<group|gid>])", { short: "u" }),
  "group-add": list("Add additional groups to join"),
  entrypoint: text("Overwrite the default ENTRYPOINT of the image"),
  init: toggle("Run an init inside the container that forwards signals and reaps processes"),
  "stop-signal": text("Signal to stop the container"),
  "stop-timeout": value("Timeout (in seconds) to stop a container", integer, { placeholder: "int" }),
};

const identityFlags = {
  name: text("Assign a name to the container"),
  hostname: text("Container host name", { short: "h" }),
  domainname: text("Container NIS domain name"),
  label: list("Set meta data on a container", { short: "l" }),
  "label-file": list("Read in a line delimited file of labels"),
  annotation: list("Add an annotation to the container (passed through to the OCI runtime)"),
  cidfile: text("Write the container ID to the file"),
  platform: text("Set platform if server is multi-platform capable"),
  pull: text('Pull image before creating ("always", "missing", "never")'),
  quiet: toggle("Suppress the pull output", { short: "q" }),
  runtime: text("Runtime to use for this container"),
  restart: text("Restart policy to apply when a container exits"),
  rm: toggle("Automatically remove the container and its associated anonymous volumes when it exits"),
  "log-driver": text("Logging driver for the container"),
  "log-opt": list("Log driver options (max-size, max-file)"),
};

const networkFlags = {
  network: text("Connect a container to a network", { aliases: ["net"] }),
  publish: values("Publish a container's port(s) to the host", parsePort, { short: "p" }),
  "publish-all": toggle("Publish all exposed ports to random ports", { short: "P" }),
  expose: values("Expose a port or a range of ports", parseExposedPort),
  "add-host": list("Add a custom host-to-IP mapping (host:ip)"),
  dns: list("Set custom DNS servers"),
  "dns-search": list("Set custom DNS search domains"),
  "dns-option": list("Set DNS options", { aliases: ["dns-opt"] }),
};

const filesystemFlags = {
  volume: values("Bind mount a volume", (given) => [parseVolumeFlag(given, cwd())], { short: "v" }),
  mount: values("Attach a filesystem mount to the container", (given) => [parseMountFlag(given, cwd())], {
    placeholder: "mount",
  }),
  tmpfs: values("Mount a tmpfs directory", (given) => [parseTmpfsFlag(given)]),
  "read-only": toggle("Mount the container's root filesystem as read only"),
  device: values("Add a host device to the container", (given) => [parseDevice(given)]),
  "device-cgroup-rule": values("Add a rule to the cgroup allowed devices list", deviceRule),
  "shm-size": value("Size of /dev/shm", parseByteSize, { placeholder: "bytes" }),
};

const isolationFlags = {
  privileged: toggle("Give extended privileges to this container"),
  "cap-add": values("Add Linux capabilities", commaList),
  "cap-drop": values("Drop Linux capabilities", commaList),
  "security-opt": list("Security Options"),
  ipc: text("IPC mode to use"),
  pid: text("PID namespace to use"),
  uts: text("UTS namespace to use"),
  userns: text("User namespace to use"),
  cgroupns: text("Cgroup namespace to use (host|private)"),
  "cgroup-parent": text("Optional parent cgroup for the container"),
  sysctl: list("Sysctl options", { placeholder: "map" }),
};

const resourceFlags = {
  memory: value("Memory limit", parseByteSize, { short: "m", placeholder: "bytes" }),
  "memory-reservation": value("Memory soft limit", parseByteSize, { placeholder: "bytes" }),
  "memory-swap": value("Swap limit equal to memory plus swap: '-1' to enable unlimited swap", swapSize, {
    placeholder: "bytes",
  }),
  "memory-swappiness": value("Tune container memory swappiness (0 to 100)", integer, { placeholder: "int" }),
  cpus: value("Number of CPUs", parseCpus, { placeholder: "decimal" }),
  "cpu-shares": value("CPU shares (relative weight)", integer, { short: "c", placeholder: "int" }),
  "cpu-period": value("Limit CPU CFS (Completely Fair Scheduler) period", integer, { placeholder: "int" }),
  "cpu-quota": value("Limit CPU CFS (Completely Fair Scheduler) quota", integer, { placeholder: "int" }),
  "cpuset-cpus": text("CPUs in which to allow execution (0-3, 0,1)"),
  "cpuset-mems": text("MEMs in which to allow execution (0-3, 0,1)"),
  "pids-limit": value("Tune container pids limit (set -1 for unlimited)", integer, { placeholder: "int" }),
  "blkio-weight": value("Block IO (relative weight), between 10 and 1000, or 0 to disable", integer, {
    placeholder: "uint16",
  }),
  "oom-kill-disable": toggle("Disable OOM Killer"),
  "oom-score-adj": value("Tune host's OOM preferences (-1000 to 1000)", integer, { placeholder: "int" }),
  ulimit: values("Ulimit options", (given) => [parseUlimit(given)], { placeholder: "ulimit" }),
};

/** Of update: what can be changed of a container that is there. */
export const updateFlags = {
  "blkio-weight": resourceFlags["blkio-weight"],
  "cpu-period": resourceFlags["cpu-period"],
  "cpu-quota": resourceFlags["cpu-quota"],
  "cpu-shares": resourceFlags["cpu-shares"],
  cpus: resourceFlags.cpus,
  "cpuset-cpus": resourceFlags["cpuset-cpus"],
  "cpuset-mems": resourceFlags["cpuset-mems"],
  memory: resourceFlags.memory,
  "memory-reservation": resourceFlags["memory-reservation"],
  "memory-swap": resourceFlags["memory-swap"],
  "pids-limit": resourceFlags["pids-limit"],
  restart: identityFlags.restart,
};

export const containerFlags = {
  ...processFlags,
  ...identityFlags,
  ...networkFlags,
  ...filesystemFlags,
  ...isolationFlags,
  ...resourceFlags,
};

/** Of run, start, exec and attach. */
export const detachKeysFlag = text("Override the key sequence for detaching a container");

/** Of run, start and attach. */
export const sigProxyFlag = toggle("Proxy received signals to the process", { initial: true });

/** A stream that --attach names. */
export type AttachTarget = "stdin" | "stdout" | "stderr";

function attachTarget(given: string): readonly AttachTarget[] {
  const name = given.toLowerCase();
  if (name === "stdin" || name === "stdout" || name === "stderr") return [name];
  throw new Error("valid streams are STDIN, STDOUT and STDERR");
}

function deviceRule(given: string): readonly string[] {
  parseDeviceRule(given);
  return [given];
}

function swapSize(given: string): number {
  return given === "-1" ? -1 : parseByteSize(given);
}
