// SPDX-License-Identifier: Apache-2.0
// The endpoints of a registry as its directory under config_path says: containerd's hosts.toml (server and mirrors), or
// without that file Docker's certs.d style (ca.crt and *.cert with *.key). The directory is named after the domain, with
// its port as domain:5000 or domain_5000_, or _default for every domain that has none of its own. Files are read again
// for every operation, so that an edit counts at once. An error names the file.

import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { parse } from "smol-toml";
import { invalidArgument, messageOf, toEngineError } from "../../../base/errors.ts";
import { hasErrno } from "../../../host/files/errno.ts";
import { allCapabilities, type Capability, defaultTls, type Endpoint, serverHost, type TlsFiles } from "./endpoint.ts";

/** What a domain's directory says; both parts are optional. */
export interface HostsConfig {
  /** In their order; the registry itself may be among them. */
  readonly listed: readonly Endpoint[];
  /** Where the registry itself is; undefined when only the transport is configured, or nothing. */
  readonly server?: Endpoint;
  /** How to secure connections to a server that has no URL of its own here. */
  readonly tls?: TlsFiles;
}

const mirrorCapabilities: readonly Capability[] = ["pull", "resolve"];

type Section = Readonly<Record<string, unknown>>;

/** Reads the first directory among the paths that the domain has. */
export async function loadHostsConfig(configPaths: readonly string[], domain: string): Promise<HostsConfig> {
  const encodedPort = domain.replace(/:(\d+)$/, "_$1_");
  for (const configPath of configPaths) {
    for (const name of new Set([encodedPort, domain, "_default"])) {
      const config = await loadDirectory(path.join(configPath, name), domain);
      if (config !== undefined) return config;
    }
  }
  return { listed: [] };
}

async function loadDirectory(directory: string, domain: string): Promise<HostsConfig | undefined> {
  const names = await absentAs(undefined, readdir(directory));
  if (names === undefined) return undefined;
  const file = path.join(directory, "hosts.toml");
  if (names.includes("hosts.toml")) return await parseHostsFile(file, await readText(file), domain);
  const tls = await certificatesOf(directory, names);
  return tls === undefined ? undefined : { listed: [], tls };
}

async function parseHostsFile(file: string, text: string, domain: string): Promise<HostsConfig> {
  const root = inFile(file, () => parse(text)) as Section;
  const hosts = root["host"] ?? {};
  if (!isSection(hosts)) throw invalidArgument(`${file}: host is not a table`);
  const server = root["server"];
  if (server !== undefined && typeof server !== "string") throw invalidArgument(`${file}: server is not a text`);
  const isConfigured = Object.keys(root).some((key) => key !== "host");
  const own = await readEndpoint(file, server ?? `https://${serverHost(domain)}`, root);
  const listed: Endpoint[] = [];
  for (const [url, section] of Object.entries(hosts)) {
    if (!isSection(section)) throw invalidArgument(`${file}: host ${JSON.stringify(url)} is not a table`);
    const endpoint = await readEndpoint(file, url, section);
    listed.push(endpoint.base.host === own.base.host ? endpoint : asMirror(endpoint, section));
  }
  return isConfigured ? { listed, server: own } : { listed };
}

/** Pushes go to the registry itself, unless a mirror is said to take them. */
function asMirror(endpoint: Endpoint, section: Section): Endpoint {
  const capabilities = section["capabilities"] === undefined ? mirrorCapabilities : endpoint.capabilities;
  return { ...endpoint, capabilities, isMirror: true };
}

async function readEndpoint(file: string, text: string, section: Section): Promise<Endpoint> {
  const url = inFile(file, () => new URL(/^[a-z]+:\/\//i.test(text) ? text : `https://${text}`));
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    throw invalidArgument(`${file}: ${JSON.stringify(text)} is neither https nor http`);
  }
  if (url.username !== "" || url.password !== "") {
    throw invalidArgument(`${file}: ${url.host} has credentials in its URL; use header or log in instead`);
  }
  const overridePath = section["override_path"] === true;
  const pathname = url.pathname.replace(/\/+$/, "");
  const base = new URL(url.origin);
  base.pathname = overridePath || pathname.endsWith("/v2") ? pathname : `${pathname}/v2`;
  const dialTimeout = section["dial_timeout"];
  return {
    base,
    capabilities: readCapabilities(file, section["capabilities"]),
    tls: await readTls(file, section),
    headers: readHeaders(file, section["header"]),
    ...(dialTimeout !== undefined && { dialTimeoutMs: readDuration(file, dialTimeout) }),
    isMirror: false,
    overridePath,
  };
}

function readCapabilities(file: string, value: unknown): readonly Capability[] {
  if (value === undefined) return allCapabilities;
  const isCapability = (entry: unknown): entry is Capability => allCapabilities.some((known) => known === entry);
  if (Array.isArray(value) && value.every(isCapability)) return value;
  throw invalidArgument(`${file}: capabilities may be ${allCapabilities.join(", ")}`);
}

function readHeaders(file: string, value: unknown): Readonly<Record<string, readonly string[]>> {
  if (value === undefined) return {};
  if (!isSection(value)) throw invalidArgument(`${file}: header is not a table`);
  return Object.fromEntries(
    Object.entries(value).map(([name, texts]) => [name, textsOf(file, `header ${name}`, texts)]),
  );
}

async function readTls(file: string, section: Section): Promise<TlsFiles> {
  const locate = (name: string) => path.resolve(path.dirname(file), name);
  const authorities = textsOf(file, "ca", section["ca"] ?? []).map(async (name) => await readText(locate(name)));
  const clients = clientPairs(file, section["client"]).map(async ([certificate, key]) => ({
    certificate: await readText(locate(certificate)),
    key: await readText(locate(key)),
  }));
  return {
    authorities: await Promise.all(authorities),
    clients: await Promise.all(clients),
    skipVerify: section["skip_verify"] === true,
  };
}

/** A client certificate is one file with both parts, a list of such files, or a list of pairs. */
function clientPairs(file: string, value: unknown): readonly (readonly [certificate: string, key: string])[] {
  if (value === undefined) return [];
  if (typeof value === "string") return [[value, value]];
  if (!Array.isArray(value)) throw invalidArgument(`${file}: client is neither a file nor a list`);
  return value.map((entry: unknown) => {
    const [certificate, key, ...more] = textsOf(file, "client", entry);
    if (certificate === undefined || more.length > 0) throw invalidArgument(`${file}: client is not a pair of files`);
    return [certificate, key === undefined || key === "" ? certificate : key];
  });
}

/** Milliseconds of a duration in Go's notation ("1.5s", "300ms", "1m30s") or a number of seconds. */
function readDuration(file: string, value: unknown): number {
  const factors: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
  if (typeof value === "number" && value >= 0) return value * 1000;
  if (typeof value === "string" && /^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/.test(value)) {
    const parts = value.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g);
    return Array.from(parts, ([, amount, unit]) => Number(amount) * (factors[unit ?? ""] ?? 0)).reduce((a, b) => a + b);
  }
  throw invalidArgument(`${file}: dial_timeout ${JSON.stringify(value)} is not a duration such as 5s`);
}

async function certificatesOf(directory: string, names: readonly string[]): Promise<TlsFiles | undefined> {
  const contents = async (name: string) => await readText(path.join(directory, name));
  const authorities = names.filter((name) => name.endsWith(".crt"));
  const certificates = names.filter((name) => name.endsWith(".cert"));
  if (authorities.length === 0 && certificates.length === 0) return undefined;
  return {
    ...defaultTls,
    authorities: await Promise.all(authorities.map(contents)),
    clients: await Promise.all(
      certificates.map(async (name) => ({
        certificate: await contents(name),
        key: await contents(name.replace(/\.cert$/, ".key")),
      })),
    ),
  };
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw toEngineError(error, "registry configuration");
  }
}

async function absentAs<T, D>(absent: D, promise: Promise<T>): Promise<T | D> {
  try {
    return await promise;
  } catch (error) {
    if (hasErrno(error, "ENOENT", "ENOTDIR")) return absent;
    throw toEngineError(error, "registry configuration");
  }
}

function inFile<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw invalidArgument(`${file}: ${messageOf(error)}`, error);
  }
}

function textsOf(file: string, what: string, value: unknown): readonly string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  const isText = (entry: unknown): entry is string => typeof entry === "string";
  if (!list.every(isText)) throw invalidArgument(`${file}: ${what} is neither a text nor a list of texts`);
  return list;
}

function isSection(value: unknown): value is Section {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
