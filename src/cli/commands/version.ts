// SPDX-License-Identifier: Apache-2.0

import type { VersionResponse } from "@berth/sdk";
import { version } from "../../base/version.ts";
import { defineCommand } from "../command.ts";
import { failureText } from "../failure.ts";
import { text } from "../flags.ts";
import { parseTemplate } from "../format/go-template/template.ts";
import { type Fields, struct, toJson } from "../format/go-template/values.ts";

const labelWidth = 20;

export const command = defineCommand({
  usage: "version [OPTIONS]",
  description: "Show the Berth version information",
  flags: { format: text("Format output using a custom template: 'json' or a Go template", { short: "f" }) },
  arguments: { minimum: 0, maximum: 0 },
  async run({ flags: { format = "" } }, context) {
    const template = format === "" || format === "json" ? undefined : parseTemplate(format);
    let server: VersionResponse | undefined;
    let failure: string | undefined;
    try {
      server = await context.client().system.version({ signal: context.signal });
    } catch (error) {
      failure = failureText(error);
    }
    const fields = versionFields(server);
    if (template !== undefined) {
      if (failure === undefined) context.stdout.write(`${template.execute(fields)}\n`);
    } else context.stdout.write(format === "json" ? `${toJson(fields)}\n` : versionText(server));
    if (failure === undefined) return 0;
    context.stderr.write(`${failure}\n`);
    return 1;
  },
});

const architectures: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64" };
const clientPlatform = { os: process.platform, architecture: architectures[process.arch] ?? process.arch };

function versionFields(server: VersionResponse | undefined): Fields {
  return struct("versionInfo", {
    Client: struct("clientVersion", {
      Version: version,
      NodeVersion: process.version,
      Os: clientPlatform.os,
      Arch: clientPlatform.architecture,
    }),
    Server:
      server === undefined
        ? null
        : struct("*types.Version", {
            Version: server.version,
            ApiVersion: server.apiVersion,
            NodeVersion: server.nodeVersion,
            Os: server.os,
            Arch: server.architecture,
            KernelVersion: server.kernelVersion,
          }),
  });
}

function versionText(server: VersionResponse | undefined): string {
  const client = section("Client:", [
    ["Version", version],
    ["Node version", process.version],
    ["OS/Arch", `${clientPlatform.os}/${clientPlatform.architecture}`],
  ]);
  if (server === undefined) return client;
  const daemon = section("Server:", [
    ["Version", server.version],
    ["API version", server.apiVersion],
    ["Node version", server.nodeVersion],
    ["OS/Arch", `${server.os}/${server.architecture}`],
    ["Kernel version", server.kernelVersion],
  ]);
  return `${client}\n${daemon}`;
}

function section(title: string, lines: readonly (readonly [string, string])[]): string {
  return `${title}\n${lines.map(([label, text]) => ` ${`${label}:`.padEnd(labelWidth)}${text}\n`).join("")}`;
}
