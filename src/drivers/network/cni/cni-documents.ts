// SPDX-License-Identifier: Apache-2.0
// The documents of the CNI specification 1.1: network configuration lists, results and errors. Only what the engine
// reads is typed; everything else in a plugin's configuration is passed on untouched.

import { EngineError, type ErrorCode, invalidArgument } from "../../../base/errors.ts";

type JsonObject = Readonly<Record<string, unknown>>;

/** A plugin's part of a configuration list. */
export interface PluginConfiguration {
  readonly type: string;
  readonly capabilities?: Readonly<Record<string, boolean>>;
  readonly ipMasq?: boolean;
  readonly ipam?: JsonObject;
  readonly [key: string]: unknown;
}

export interface NetworkConfiguration {
  readonly name: string;
  /** What the author wrote; the chain may have to speak an older one. */
  readonly cniVersion: string;
  readonly cniVersions: readonly string[];
  readonly disableCheck: boolean;
  readonly disableGC: boolean;
  readonly plugins: readonly PluginConfiguration[];
}

/** Result of ADD from specification 0.3.0 on. */
export interface CniResult {
  readonly cniVersion?: string;
  readonly interfaces?: readonly { readonly name: string; readonly mac?: string; readonly sandbox?: string }[];
  readonly ips?: readonly { readonly address: string; readonly gateway?: string; readonly interface?: number }[];
  readonly dns?: {
    readonly nameservers?: readonly string[];
    readonly domain?: string;
    readonly search?: readonly string[];
    readonly options?: readonly string[];
  };
  readonly [key: string]: unknown;
}

const namePattern = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;

/** A configuration list, or a single plugin's configuration as a list of one; invalid-argument when it is neither. */
export function parseNetworkConfiguration(text: string, source: string): NetworkConfiguration {
  const document = parseObject(text, source);
  const { name, cniVersion = "0.2.0", cniVersions = [], disableCheck, disableGC } = document;
  if (typeof name !== "string" || !namePattern.test(name)) throw invalidArgument(`${source}: a valid name is missing`);
  if (typeof cniVersion !== "string") throw invalidArgument(`${source}: cniVersion is not a string`);
  if (!isStringArray(cniVersions)) throw invalidArgument(`${source}: cniVersions is not a list of strings`);
  const plugins = document["plugins"] ?? [document];
  if (!Array.isArray(plugins) || plugins.length === 0) throw invalidArgument(`${source}: plugins is empty`);
  return {
    name,
    cniVersion,
    cniVersions,
    disableCheck: disableCheck === true,
    disableGC: disableGC === true,
    plugins: plugins.map((plugin: unknown) => parsePlugin(plugin, source)),
  };
}

function parsePlugin(plugin: unknown, source: string): PluginConfiguration {
  if (!isObject(plugin)) throw invalidArgument(`${source}: a plugin is not an object`);
  const { type } = plugin;
  if (typeof type !== "string" || type === "" || type.includes("/")) {
    throw invalidArgument(`${source}: a plugin has no valid type`);
  }
  return plugin as PluginConfiguration;
}

/** A plugin's result; internal when the plugin answered something else. */
export function parseResult(text: string, source: string): CniResult {
  const document = parseObject(text, source);
  for (const list of ["interfaces", "ips"]) {
    if (document[list] !== undefined && document[list] !== null && !Array.isArray(document[list])) {
      throw new EngineError("internal", `${source}: ${list} is not a list`);
    }
  }
  return document as CniResult;
}

/** Versions in a plugin's answer to VERSION. */
export function parseVersions(text: string, source: string): readonly string[] {
  const { supportedVersions } = parseObject(text, source);
  if (!isStringArray(supportedVersions)) throw new EngineError("internal", `${source}: no supportedVersions`);
  return supportedVersions;
}

/** Error codes of the specification ("Error", well-known codes); the rest are the plugin's own. */
const codeByNumber: Readonly<Record<number, ErrorCode>> = {
  1: "failed-precondition",
  2: "invalid-argument",
  3: "not-found",
  5: "unavailable",
  7: "invalid-argument",
  11: "unavailable",
  50: "unavailable",
  51: "unavailable",
};

/** What a plugin that failed printed, as an error that names network, plugin and verb. */
export function parsePluginError(output: string, context: string): EngineError {
  let message = output.trim().slice(0, 2000);
  let number = 0;
  try {
    const document = parseObject(output, context);
    const text = [document["msg"], document["details"]].filter((part) => typeof part === "string" && part !== "");
    if (text.length > 0) message = text.join("; ");
    if (typeof document["code"] === "number") number = document["code"];
  } catch {
    // A plugin that died prints no document: what it printed says more than that it is no JSON.
  }
  const exhausted = /no IP addresses available|no free address|IPAM.*exhausted/i.test(message);
  const code = exhausted ? "resource-exhausted" : (codeByNumber[number] ?? "internal");
  const hint = /ip6?tables.*(not found|no such file)/i.test(message) ? " (apt-get install iptables)" : "";
  return new EngineError(code, `${context}: ${message === "" ? "no reason given" : message}${hint}`, {
    details: { cniCode: String(number) },
  });
}

function parseObject(text: string, source: string): JsonObject {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    throw invalidArgument(`${source} is not JSON`, error);
  }
  if (!isObject(document)) throw invalidArgument(`${source} is not a JSON object`);
  return document;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isStringArray(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}
