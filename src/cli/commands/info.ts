// SPDX-License-Identifier: Apache-2.0

import type { InfoResponse } from "@berth/sdk";
import { version } from "../../base/version.ts";
import { defineCommand } from "../command.ts";
import { text } from "../flags.ts";
import { parseTemplate } from "../format/go-template/template.ts";
import { type Fields, struct, toJson } from "../format/go-template/values.ts";
import { bytesSize } from "../format/human.ts";

export const command = defineCommand({
  usage: "info [OPTIONS]",
  description: "Display system-wide information",
  flags: { format: text("Format output using a custom template: 'json' or a Go template", { short: "f" }) },
  arguments: { minimum: 0, maximum: 0 },
  async run({ flags: { format = "" } }, context) {
    const template = format === "" || format === "json" ? undefined : parseTemplate(format);
    const info = await context.client().system.info({ signal: context.signal });
    if (template !== undefined) context.stdout.write(`${template.execute(infoFields(info))}\n`);
    else context.stdout.write(format === "json" ? `${toJson(infoFields(info))}\n` : infoText(info));
    for (const warning of info.warnings) context.stderr.write(`WARNING: ${warning}\n`);
    return 0;
  },
});

function infoFields(info: InfoResponse): Fields {
  return struct("*info", {
    Containers: info.containers,
    ContainersRunning: info.containersRunning,
    ContainersPaused: info.containersPaused,
    ContainersStopped: info.containersStopped,
    Images: info.images,
    Driver: info.snapshotter,
    CgroupVersion: String(info.cgroupVersion),
    KernelVersion: info.kernelVersion,
    OperatingSystem: info.operatingSystem,
    OSType: info.os,
    Architecture: info.architecture,
    NCPU: info.cpus,
    MemTotal: Number(info.memoryBytes),
    DockerRootDir: info.rootDirectory,
    StateDir: info.stateDirectory,
    Name: info.hostname,
    ServerVersion: info.version,
    Runtimes: Object.fromEntries(
      info.runtimeHandlers.map(({ name, version, problem }) => [name, { path: name, version, problem }]),
    ),
    DefaultRuntime: info.defaultRuntimeHandler,
    Plugins: { Network: info.networks },
    SecurityOptions: info.securityOptions.map((name) => `name=${name}`),
    Warnings: info.warnings,
    ClientInfo: { Version: version },
  });
}

function infoText(info: InfoResponse): string {
  const runtimes = info.runtimeHandlers.map(
    ({ name, version, problem }) => `  ${name}: ${problem === "" ? version : `not usable: ${problem}`}`,
  );
  return `${[
    "Client:",
    ` Version: ${version}`,
    "",
    "Server:",
    ` Containers: ${info.containers}`,
    `  Running: ${info.containersRunning}`,
    `  Paused: ${info.containersPaused}`,
    `  Stopped: ${info.containersStopped}`,
    ` Images: ${info.images}`,
    ` Server Version: ${info.version}`,
    ` Storage Driver: ${info.snapshotter}`,
    ` Cgroup Version: ${info.cgroupVersion}${info.cgroupHybrid ? " (hybrid)" : ""}`,
    ` Networks: ${info.networks.join(" ")}`,
    " Runtimes:",
    ...runtimes,
    ` Default Runtime: ${info.defaultRuntimeHandler}`,
    " Security Options:",
    ...info.securityOptions.map((name) => `  ${name}`),
    ` Kernel Version: ${info.kernelVersion}`,
    ` Operating System: ${info.operatingSystem}`,
    ` OSType: ${info.os}`,
    ` Architecture: ${info.architecture}`,
    ` CPUs: ${info.cpus}`,
    ` Total Memory: ${bytesSize(Number(info.memoryBytes))}`,
    ` Name: ${info.hostname}`,
    ` Root Dir: ${info.rootDirectory}`,
    ` State Dir: ${info.stateDirectory}`,
  ].join("\n")}\n`;
}
