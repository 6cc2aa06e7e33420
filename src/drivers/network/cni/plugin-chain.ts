// SPDX-License-Identifier: Apache-2.0
// One attachment through all plugins of its network: ADD in order, each with the result of the one before; DEL in
// reverse, all of them whatever one of them says.

import { statfs } from "node:fs/promises";
import { EngineError, failedPrecondition } from "../../../base/errors.ts";
import type { AttachmentRecord } from "./attachment-records.ts";
import { type CniResult, type NetworkConfiguration, type PluginConfiguration, parseResult } from "./cni-documents.ts";
import { compareVersions } from "./cni-version.ts";
import { throwFailures } from "./failures.ts";
import { isAnyAddress } from "./host-ports.ts";
import type { CniVerb, PluginRunner } from "./plugin-runner.ts";

/** f_type of nsfs and, for /proc/<pid>/ns, of proc (linux/magic.h). */
const namespaceFileSystems: readonly number[] = [0x6e736673, 0x9fa0];

type Options = { readonly signal: AbortSignal };

export class PluginChain {
  readonly #runner: PluginRunner;

  constructor(runner: PluginRunner) {
    this.#runner = runner;
  }

  /** Runs ADD; the caller undoes what a failed one left by del. */
  async add(record: AttachmentRecord, options: Options): Promise<CniResult> {
    let result: CniResult | undefined;
    const { namespacePath } = record.request;
    for (const plugin of record.configuration.plugins) {
      const output = await this.#run("ADD", { record, plugin, previous: result, namespacePath }, options);
      result = parseResult(output, `network ${record.request.network}: CNI plugin ${plugin.type} at ADD`);
    }
    return result ?? {};
  }

  /** Throws the first failure after every plugin had its turn. */
  async del(record: AttachmentRecord, options: Options): Promise<void> {
    const namespacePath = (await isNamespace(record.request.namespacePath)) ? record.request.namespacePath : "";
    const failures: unknown[] = [];
    for (const plugin of record.configuration.plugins.toReversed()) {
      try {
        await this.#run("DEL", { record, plugin, previous: record.result, namespacePath }, options);
      } catch (error) {
        failures.push(error);
      }
    }
    throwFailures(failures);
  }

  /** failed-precondition when a plugin misses something; nothing where the version has no CHECK. */
  async check(record: AttachmentRecord, options: Options): Promise<void> {
    const { configuration, cniVersion, request, result } = record;
    if (result === undefined) {
      throw failedPrecondition(`sandbox ${request.sandboxId} was never attached to network ${request.network} wholly`);
    }
    if (configuration.disableCheck || compareVersions(cniVersion, "0.4.0") < 0) return;
    const { namespacePath } = request;
    for (const plugin of configuration.plugins) {
      try {
        await this.#run("CHECK", { record, plugin, previous: result, namespacePath }, options);
      } catch (error) {
        options.signal.throwIfAborted();
        throw error instanceof EngineError ? failedPrecondition(error.message, error) : error;
      }
    }
  }

  /** STATUS or GC of every plugin, where the version has them. */
  async forNetwork(
    verb: "STATUS" | "GC",
    network: { readonly configuration: NetworkConfiguration; readonly cniVersion: string },
    extra: Readonly<Record<string, unknown>>,
    options: Options,
  ): Promise<void> {
    if (compareVersions(network.cniVersion, "1.1.0") < 0) return;
    const { name } = network.configuration;
    for (const { type, ...rest } of network.configuration.plugins) {
      const configuration = { ...rest, ...extra, type, name, cniVersion: network.cniVersion };
      await this.#runner.run({ verb, network: name, plugin: type, configuration, environment: {} }, options);
    }
  }

  async #run(
    verb: CniVerb,
    call: {
      readonly record: AttachmentRecord;
      readonly plugin: PluginConfiguration;
      readonly previous: CniResult | undefined;
      readonly namespacePath: string;
    },
    options: Options,
  ): Promise<string> {
    const { record, plugin, previous, namespacePath } = call;
    const { request, configuration, cniVersion } = record;
    const runtimeConfig = runtimeConfigOf(record, plugin);
    return await this.#runner.run(
      {
        verb,
        network: request.network,
        plugin: plugin.type,
        configuration: {
          ...plugin,
          name: configuration.name,
          cniVersion,
          ...(Object.keys(runtimeConfig).length > 0 ? { runtimeConfig } : {}),
          ...(previous === undefined ? {} : { prevResult: previous }),
        },
        environment: {
          CNI_CONTAINERID: request.sandboxId,
          CNI_NETNS: namespacePath,
          CNI_IFNAME: request.interfaceName,
          CNI_ARGS: argumentsOf(request.arguments ?? {}),
        },
      },
      options,
    );
  }
}

/** What this request wants that the plugin says it can do (CONVENTIONS.md, "Well-known Capabilities"). */
function runtimeConfigOf({ request }: AttachmentRecord, { capabilities = {} }: PluginConfiguration): object {
  const wanted: Readonly<Record<string, unknown>> = {
    portMappings: request.ports.length === 0 ? undefined : request.ports.map(portMapping),
    ips: request.address === undefined ? undefined : [request.address],
    mac: request.macAddress,
    // The specification maps each network to its aliases.
    aliases: request.aliases.length === 0 ? undefined : { [request.network]: request.aliases },
  };
  const given = Object.entries(wanted).filter(([name, value]) => value !== undefined && capabilities[name] === true);
  return Object.fromEntries(given);
}

/** portmap takes an address literally, so that "every address" must be left out. */
function portMapping({ hostIp, ...mapping }: AttachmentRecord["request"]["ports"][number]): object {
  return { ...mapping, ...(isAnyAddress(hostIp) ? {} : { hostIP: hostIp }) };
}

/** failed-precondition when the request wants what no plugin of the network can give. */
export function checkCapabilities({ request, configuration }: Pick<AttachmentRecord, "request" | "configuration">) {
  const has = (name: string) => configuration.plugins.some(({ capabilities }) => capabilities?.[name] === true);
  const missing = [
    ["portMappings", request.ports.length > 0, "publish ports"],
    ["ips", request.address !== undefined, `give the address ${request.address}`],
    ["mac", request.macAddress !== undefined, `give the MAC address ${request.macAddress}`],
  ] as const;
  for (const [capability, wanted, what] of missing) {
    if (wanted && !has(capability)) {
      throw failedPrecondition(
        `network ${configuration.name} cannot ${what}: none of its plugins has the capability ${capability}`,
      );
    }
  }
}

/** CNI_ARGS; plugins must not fail on what they do not know. */
function argumentsOf(values: Readonly<Record<string, string>>): string {
  return ["IgnoreUnknown=1", ...Object.entries(values).map(([name, value]) => `${name}=${value}`)].join(";");
}

/** False as well for a pin whose mount is gone: plugins refuse what is no namespace. */
async function isNamespace(path: string): Promise<boolean> {
  try {
    return namespaceFileSystems.includes((await statfs(path)).type);
  } catch {
    // Gone, which DEL is told by an empty path.
    return false;
  }
}
