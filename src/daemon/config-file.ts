// SPDX-License-Identifier: Apache-2.0
// The daemon's configuration: a TOML file over defaults. Unknown keys and wrong types are refused with their place, so
// that a typing error is not silently a default.

import { readFile } from "node:fs/promises";
import { parse, TomlError } from "smol-toml";
import { hasCode, invalidArgument, messageOf, notFound, toEngineError } from "../base/errors.ts";
import { parseByteSize } from "../base/parse/byte-size.ts";
import { parseDuration } from "../base/parse/duration.ts";
import type { RuntimeHandler } from "../core/tasks/task-runtime.ts";
import { type DaemonConfig, type DaemonDirectories, defaultConfig, defaultHandlers } from "./config.ts";

type TomlTable = Readonly<Record<string, unknown>>;

/** Read when the command line names none, if it is there. */
const usualConfigFile = "/etc/berth/berth.toml";

/** Reads the file over the defaults; the directories that the command line named win. */
export async function loadConfig(
  file: string | undefined,
  directories: Partial<DaemonDirectories>,
  usualFile = usualConfigFile,
): Promise<DaemonConfig> {
  return parseConfig(await readConfigFile(file, usualFile), directories, file ?? usualFile);
}

async function readConfigFile(file: string | undefined, usualFile: string): Promise<string> {
  try {
    return await readFile(file ?? usualFile, "utf8");
  } catch (error) {
    if (!hasCode(error, "not-found")) throw toEngineError(error, `read ${file ?? usualFile}`);
    if (file === undefined) return "";
    throw notFound("config", `${file} (berth config default prints one to start from)`, error);
  }
}

/** source names the text in messages. */
export function parseConfig(text: string, directories: Partial<DaemonDirectories>, source: string): DaemonConfig {
  const top = new Section(parseToml(text, source), source, "");
  const version = top.number("version") ?? 1;
  if (version !== 1) throw invalidArgument(`${source}: version ${version} is not known: this program reads version 1`);
  // Read also where the command line wins: a key that was not read counts as unknown.
  const inFile = { root: top.path("root"), state: top.path("state"), socket: top.path("socket") };
  const base = defaultConfig({ ...inFile, ...directories });
  const log = top.section("log");
  const registry = top.section("registry");
  const images = top.section("images");
  const network = top.section("network");
  const containers = top.section("containers");
  const cri = top.section("cri");
  const cdi = top.section("cdi");
  const nri = top.section("nri");
  const runtime = top.section("runtime");
  const config: DaemonConfig = {
    ...base,
    log: { level: log.choice("level", ["debug", "info", "warn", "error"]) ?? base.log.level },
    registry: {
      configPaths: registry.strings("config_path") ?? base.registry.configPaths,
      insecure: registry.strings("insecure") ?? base.registry.insecure,
      progressTimeoutMs: registry.duration("pull_progress_timeout") ?? base.registry.progressTimeoutMs,
    },
    images: { pinned: images.strings("pinned") ?? base.images.pinned },
    network: {
      default: network.string("default") ?? base.network.default,
      bridge: network.string("bridge") ?? base.network.bridge,
      subnet: network.string("subnet") ?? base.network.subnet,
      configDirectory: network.path("config_directory") ?? base.network.configDirectory,
      pluginDirectories: network.strings("plugin_directories") ?? base.network.pluginDirectories,
    },
    containers: {
      logRotation: {
        maximumSize: containers.size("log_max_size") ?? base.containers.logRotation.maximumSize,
        maximumFiles: containers.number("log_max_files") ?? base.containers.logRotation.maximumFiles,
      },
      cgroupParent: containers.path("cgroup_parent") ?? base.containers.cgroupParent,
    },
    cri: criOf(cri, base.cri),
    cdi: { directories: cdi.strings("directories") ?? base.cdi.directories },
    nri: {
      enable: nri.boolean("enable") ?? base.nri.enable,
      socket: nri.path("socket") ?? base.nri.socket,
      pluginDirectory: nri.path("plugin_directory") ?? base.nri.pluginDirectory,
      configDirectory: nri.path("config_directory") ?? base.nri.configDirectory,
      registrationTimeoutMs: nri.duration("registration_timeout") ?? base.nri.registrationTimeoutMs,
      requestTimeoutMs: nri.duration("request_timeout") ?? base.nri.requestTimeoutMs,
    },
    runtime: {
      ...base.runtime,
      ...optional("default", runtime.string("default")),
      handlers: handlersOf(runtime.section("handlers")),
    },
  };
  for (const section of [registry, log, images, network, containers, cri, cdi, nri, runtime, top])
    section.refuseUnread();
  return config;
}

function criOf(section: Section, base: DaemonConfig["cri"]): DaemonConfig["cri"] {
  const certificate = section.path("stream_tls_certificate");
  const key = section.path("stream_tls_key");
  if ((certificate === undefined) !== (key === undefined)) {
    throw invalidArgument("cri.stream_tls_certificate and cri.stream_tls_key must be given together");
  }
  return {
    socket: section.path("socket") ?? base.socket,
    networkConfigDirectory: section.path("network_config_directory") ?? base.networkConfigDirectory,
    streaming: {
      address: section.string("stream_address") ?? base.streaming.address,
      port: section.port("stream_port") ?? base.streaming.port,
      idleTimeoutMs: section.duration("stream_idle_timeout") ?? base.streaming.idleTimeoutMs,
      ...(certificate !== undefined && key !== undefined && { tls: { certificate, key } }),
    },
  };
}

function handlersOf(section: Section): readonly RuntimeHandler[] {
  const names = section.keys();
  if (names.length === 0) return defaultHandlers;
  return names.map((name) => {
    const handler = section.section(name);
    const parsed: RuntimeHandler = {
      name,
      driver: handler.string("driver") ?? "shim",
      shim: handler.string("shim") ?? "containerd-shim-runc-v2",
      systemdCgroup: handler.boolean("systemd_cgroup") ?? false,
      sandboxer: handler.choice("sandboxer", ["namespaces", "task"]) ?? "namespaces",
      ...optional("binary", handler.string("binary")),
      ...optional("sandboxImage", handler.string("sandbox_image")),
    };
    handler.refuseUnread();
    return parsed;
  });
}

function optional<K extends string>(key: K, value: string | undefined): Partial<Record<K, string>> {
  return value === undefined ? {} : ({ [key]: value } as Record<K, string>);
}

function parseToml(text: string, source: string): TomlTable {
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof TomlError)
      throw invalidArgument(`${source}:${error.line}:${error.column}: ${messageOf(error).split("\n")[0]}`, error);
    throw error;
  }
}

/** A table that remembers which keys were read. */
class Section {
  readonly #table: TomlTable;
  readonly #source: string;
  readonly #prefix: string;
  readonly #read = new Set<string>();

  constructor(table: TomlTable, source: string, prefix: string) {
    this.#table = table;
    this.#source = source;
    this.#prefix = prefix;
  }

  keys(): readonly string[] {
    return Object.keys(this.#table);
  }

  section(key: string): Section {
    const value = this.#take(key);
    if (value === undefined) return new Section({}, this.#source, `${this.#prefix}${key}.`);
    // A TOML date is an object too.
    if (typeof value !== "object" || value === null || Array.isArray(value) || value instanceof Date)
      throw this.#wrong(key, "a table");
    return new Section(value as TomlTable, this.#source, `${this.#prefix}${key}.`);
  }

  string(key: string): string | undefined {
    const value = this.#take(key);
    if (value !== undefined && typeof value !== "string") throw this.#wrong(key, "a string");
    return value;
  }

  path(key: string): string | undefined {
    const value = this.string(key);
    if (value !== undefined && !value.startsWith("/")) throw this.#wrong(key, "an absolute path");
    return value;
  }

  strings(key: string): readonly string[] | undefined {
    const value = this.#take(key);
    if (value === undefined) return undefined;
    if (!Array.isArray(value) || !value.every((item) => typeof item === "string"))
      throw this.#wrong(key, "a list of strings");
    return value;
  }

  number(key: string): number | undefined {
    const value = this.#take(key);
    if (value === undefined) return undefined;
    if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 1)
      throw this.#wrong(key, "a whole number above 0");
    return value;
  }

  /** 0 is any free one. */
  port(key: string): number | undefined {
    const value = this.#take(key);
    if (value === undefined) return undefined;
    if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > 65_535)
      throw this.#wrong(key, "a port, 0 to 65535");
    return value;
  }

  boolean(key: string): boolean | undefined {
    const value = this.#take(key);
    if (value !== undefined && typeof value !== "boolean") throw this.#wrong(key, "true or false");
    return value;
  }

  size(key: string): number | undefined {
    const value = this.string(key);
    if (value === undefined) return undefined;
    try {
      return parseByteSize(value);
    } catch {
      throw this.#wrong(key, 'a size such as "10m"'); // which says more than the parser does
    }
  }

  /** In milliseconds, at least one. */
  duration(key: string): number | undefined {
    const value = this.string(key);
    if (value === undefined) return undefined;
    const wrong = this.#wrong(key, 'a time above 0 such as "5s"'); // which says more than the parser does
    try {
      const milliseconds = Math.round(parseDuration(value));
      if (milliseconds < 1) throw wrong;
      return milliseconds;
    } catch {
      throw wrong;
    }
  }

  choice<T extends string>(key: string, choices: readonly T[]): T | undefined {
    const value = this.string(key);
    if (value === undefined) return undefined;
    const choice = choices.find((candidate) => candidate === value);
    if (choice === undefined) throw this.#wrong(key, `one of ${choices.join(", ")}`);
    return choice;
  }

  refuseUnread(): void {
    const unread = this.keys().find((key) => !this.#read.has(key));
    if (unread !== undefined) throw invalidArgument(`${this.#source}: unknown key ${this.#prefix}${unread}`);
  }

  #take(key: string): unknown {
    this.#read.add(key);
    return this.#table[key];
  }

  #wrong(key: string, expected: string): Error {
    return invalidArgument(`${this.#source}: ${this.#prefix}${key} must be ${expected}`);
  }
}
