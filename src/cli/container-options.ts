// SPDX-License-Identifier: Apache-2.0
// From the flags of run and create to what the daemon is asked for. Files that flags name (--env-file, seccomp profiles)
// are files of the client and are read here.

import { readFileSync } from "node:fs";
import type { ContainerOptions } from "@berth/sdk";
import { defined } from "../base/defined.ts";
import { invalidArgument } from "../base/errors.ts";
import { parseByteSize } from "../base/parse/byte-size.ts";
import {
  parseEnvironment,
  parseKeyValueFile,
  parseKeyValues,
  parseSysctl,
  splitKeyValue,
} from "../base/parse/key-value.ts";
import { checkMountRequests, type MountRequest } from "../base/parse/mount-request.ts";
import type { containerFlags, updateFlags } from "./container-flags.ts";
import { CliError } from "./errors.ts";
import type { FlagValues } from "./flags.ts";

export type ContainerFlagValues = FlagValues<typeof containerFlags>;

/** args: the image and the container's command. */
export function toContainerOptions(
  flags: ContainerFlagValues,
  [image = "", ...command]: readonly string[],
  environment: NodeJS.ProcessEnv,
): ContainerOptions {
  return {
    ...processOptions(flags, environment),
    ...identityOptions(flags),
    ...networkOptions(flags),
    ...isolationOptions(flags),
    image,
    command,
    mounts: checkMountRequests([...flags.volume, ...flags.mount, ...flags.tmpfs]).map(mountMessage),
    devices: [...flags.device],
    deviceCgroupRules: [...flags["device-cgroup-rule"]],
    readOnlyRoot: flags["read-only"],
    resources: resourceOptions(flags),
    ulimits: flags.ulimit.map(({ name, soft, hard }) => ({ name, soft: BigInt(soft), hard: BigInt(hard) })),
    ...defined({ shmSizeBytes: big(flags["shm-size"]), oomScoreAdj: flags["oom-score-adj"] }),
  };
}

/** The streams to attach to: those that were named, else all that make sense. */
export function attachedStreams(flags: Pick<ContainerFlagValues, "attach" | "interactive">) {
  const named = flags.attach.length > 0;
  return {
    stdin: named ? flags.attach.includes("stdin") : flags.interactive,
    stdout: !named || flags.attach.includes("stdout"),
    stderr: !named || flags.attach.includes("stderr"),
  };
}

/** --env and --env-file: flags win over files. */
export function environmentOf(
  flags: { readonly env: readonly string[]; readonly "env-file": readonly string[] },
  environment: NodeJS.ProcessEnv,
): string[] {
  const fromFiles = flags["env-file"].flatMap((file) => parseKeyValueFile(file, readText(file)));
  return [...fromFiles, ...flags.env].map((entry) => parseEnvironment(entry, (key) => environment[key]));
}

function processOptions(flags: ContainerFlagValues, environment: NodeJS.ProcessEnv) {
  const { entrypoint } = flags;
  return {
    environment: environmentOf(flags, environment),
    terminal: flags.tty,
    openStdin: flags.interactive,
    stdinOnce: flags.interactive && attachedStreams(flags).stdin,
    groupAdd: [...flags["group-add"]],
    init: flags.init,
    ...defined({
      // Given and empty takes the image's away.
      entrypoint: entrypoint === undefined ? undefined : { values: entrypoint === "" ? [] : [entrypoint] },
      workingDirectory: flags.workdir,
      user: flags.user,
      stopSignal: flags["stop-signal"],
      stopTimeoutSeconds: flags["stop-timeout"],
    }),
  };
}

function identityOptions(flags: ContainerFlagValues) {
  const labels = flags["label-file"].flatMap((file) => parseKeyValueFile(file, readText(file)));
  if (flags.rm && flags.restart !== undefined && flags.restart !== "" && flags.restart !== "no") {
    throw invalidArgument("conflicting options: cannot specify both --restart and --rm");
  }
  return {
    labels: { ...parseKeyValues([...labels, ...flags.label]) },
    annotations: { ...parseKeyValues(flags.annotation) },
    autoRemove: flags.rm,
    ...defined({
      hostname: flags.hostname,
      domainname: flags.domainname,
      platform: flags.platform,
      runtimeHandler: flags.runtime,
      restartPolicy: restartPolicy(flags.restart),
      logRotation: logRotation(flags),
    }),
  };
}

function networkOptions(flags: ContainerFlagValues) {
  return {
    networkMode: flags.network === "default" ? "" : (flags.network ?? ""),
    ports: flags.publish.map((port) => ({ ...port })),
    publishAll: flags["publish-all"],
    exposedPorts: [...flags.expose],
    extraHosts: flags["add-host"].map(extraHost),
    dns: [...flags.dns],
    dnsSearch: [...flags["dns-search"]],
    dnsOptions: [...flags["dns-option"]],
  };
}

function isolationOptions(flags: ContainerFlagValues) {
  return {
    privileged: flags.privileged,
    capabilitiesAdd: [...flags["cap-add"]],
    capabilitiesDrop: [...flags["cap-drop"]],
    securityOptions: flags["security-opt"].map(securityOption),
    pidMode: flags.pid ?? "",
    ipcMode: flags.ipc ?? "",
    utsMode: flags.uts ?? "",
    usernsMode: flags.userns ?? "",
    cgroupnsMode: flags.cgroupns ?? "",
    sysctls: Object.fromEntries(flags.sysctl.map((entry) => parseSysctl(entry))),
    ...defined({ cgroupParent: flags["cgroup-parent"] }),
  };
}

type ResourceFlag = Exclude<keyof typeof updateFlags, "restart">;
/** What run and create have beside update. */
type CreationFlag = "memory-swappiness" | "oom-kill-disable";

export function resourceOptions(
  flags: Pick<ContainerFlagValues, ResourceFlag> & Partial<Pick<ContainerFlagValues, CreationFlag>>,
) {
  return defined({
    memoryBytes: big(flags.memory),
    memoryReservationBytes: big(flags["memory-reservation"]),
    memorySwapBytes: big(flags["memory-swap"]),
    memorySwappiness: flags["memory-swappiness"],
    nanoCpus: big(flags.cpus),
    cpuShares: big(flags["cpu-shares"]),
    cpuPeriod: big(flags["cpu-period"]),
    cpuQuota: big(flags["cpu-quota"]),
    cpusetCpus: flags["cpuset-cpus"],
    cpusetMems: flags["cpuset-mems"],
    pidsLimit: big(flags["pids-limit"]),
    blkioWeight: flags["blkio-weight"],
    oomKillDisable: flags["oom-kill-disable"] || undefined,
  });
}

type MountMessage = NonNullable<ContainerOptions["mounts"]>[number];

function mountMessage(mount: MountRequest): MountMessage {
  const base = { type: mount.type, target: mount.target, readOnly: mount.readOnly };
  switch (mount.type) {
    case "bind":
      return {
        ...base,
        source: mount.source,
        bindRecursive: mount.recursive,
        createSource: mount.createSource,
        ...defined({ propagation: mount.propagation }),
      };
    case "volume":
      return { ...base, source: mount.source ?? "", noCopy: mount.noCopy, volumeLabels: { ...mount.labels } };
    case "image":
      return { ...base, source: mount.image };
    case "tmpfs":
      return {
        ...base,
        tmpfsOptions: [...mount.options],
        ...defined({ tmpfsSizeBytes: big(mount.sizeBytes), tmpfsMode: mount.mode }),
      };
  }
}

/** "no", "always", "unless-stopped", "on-failure" or "on-failure:3". */
export function restartPolicy(given: string | undefined): ContainerOptions["restartPolicy"] {
  if (given === undefined || given === "") return undefined;
  const [name = "", retries, ...more] = given.split(":");
  if (more.length > 0 || (retries !== undefined && !/^\d+$/.test(retries))) {
    throw invalidArgument("invalid restart policy format: maximum retry count must be an integer");
  }
  if (retries !== undefined && name !== "on-failure") {
    throw invalidArgument(
      "invalid restart policy: maximum retry count can only be used with restart policy 'on-failure'",
    );
  }
  return { name, maximumRetries: Number(retries ?? 0) };
}

function logRotation(flags: ContainerFlagValues): ContainerOptions["logRotation"] {
  const driver = flags["log-driver"];
  if (driver !== undefined && driver !== "" && driver !== "json-file" && driver !== "local") {
    throw invalidArgument(`logging driver ${JSON.stringify(driver)} is not there: output goes to files`);
  }
  const options = new Map(flags["log-opt"].map((entry) => splitKeyValue(entry)));
  for (const key of options.keys()) {
    if (key !== "max-size" && key !== "max-file") {
      throw invalidArgument(`unknown log opt '${key}': use max-size or max-file`);
    }
  }
  if (options.size === 0) return undefined;
  const files = options.get("max-file") ?? "1";
  if (!/^[1-9]\d*$/.test(files)) throw invalidArgument(`invalid max-file: '${files}'`);
  const size = options.get("max-size");
  return { maximumSize: BigInt(size === undefined ? 0 : parseByteSize(size)), maximumFiles: Number(files) };
}

function extraHost(given: string): string {
  // Docker takes "host=address" too.
  const separator = /[:=]/.exec(given)?.index ?? -1;
  const [host, address] = [given.slice(0, separator), given.slice(separator + 1)];
  if (separator < 1 || address === "") throw invalidArgument(`bad format for add-host: "${given}"`);
  return `${host}:${address.replace(/^\[(.*)\]$/, "$1")}`;
}

/** A seccomp profile travels as JSON: the daemon does not see the client's files. */
function securityOption(given: string): string {
  const [key, profile] = splitKeyValue(given.replace(/^([a-z-]+):/, "$1="));
  if (key !== "seccomp" || profile === undefined || profile === "unconfined" || profile === "builtin") return given;
  if (profile.trimStart().startsWith("{")) return given;
  const json = readText(profile, "opening seccomp profile");
  try {
    return `seccomp=${JSON.stringify(JSON.parse(json))}`;
  } catch (error) {
    throw invalidArgument(
      `compacting json for seccomp profile (${profile}) failed: ${(error as Error).message}`,
      error,
    );
  }
}

function readText(file: string, context = "open"): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code === "ENOENT" ? "no such file or directory" : String(error);
    throw new CliError(`${context} ${file}: ${reason}`, 125, { cause: error });
  }
}

function big(value: number | undefined): bigint | undefined {
  return value === undefined ? undefined : BigInt(value);
}
