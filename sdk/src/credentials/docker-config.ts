// SPDX-License-Identifier: Apache-2.0
// Registry credentials where Docker's users keep theirs: in config.json (auths), or with a credential helper that it
// names (credHelpers for one registry, credsStore for all). Docker Hub stands there under its old address. The file is
// read for every call, keeps what others wrote into it, and is replaced as a whole with mode 0600.

import { randomUUID } from "node:crypto";
import { chmod, mkdir, open, readFile, realpath, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import path from "node:path";
import { BerthError } from "../errors.ts";
import { eraseWithHelper, getFromHelper, storeWithHelper } from "./credential-helper.ts";
import type { StoredCredentials } from "./stored-credentials.ts";

type JsonObject = Readonly<Record<string, unknown>>;

const hubKey = "https://index.docker.io/v1/";
const hubNames = new Set(["docker.io", "index.docker.io", "registry-1.docker.io"]);

/** $DOCKER_CONFIG/config.json, or that in ~/.docker. */
export function defaultDockerConfigPath(environment: NodeJS.ProcessEnv = process.env): string {
  const directory = environment["DOCKER_CONFIG"];
  const home = environment["HOME"] || homedir();
  return path.join(directory === undefined || directory === "" ? path.join(home, ".docker") : directory, "config.json");
}

export class DockerConfig {
  readonly #path: string;

  constructor(configPath: string = defaultDockerConfigPath()) {
    this.#path = configPath;
  }

  /** The credentials for a registry (docker.io, localhost:5000), or undefined where none are kept. */
  async get(registry: string): Promise<StoredCredentials | undefined> {
    const config = await this.#read();
    const key = keyOf(registry);
    const helper = helperFor(config, registry);
    if (helper !== undefined) return await getFromHelper(helper, key);
    const auths = tableOf(config, "auths");
    const entry = auths[key] ?? Object.entries(auths).find(([name]) => hostOf(name) === hostOf(key))?.[1];
    return isObject(entry) ? this.#readEntry(entry, registry) : undefined;
  }

  /** Whether a helper keeps the registry's credentials, instead of this file. */
  async usesHelper(registry: string): Promise<boolean> {
    return helperFor(await this.#read(), registry) !== undefined;
  }

  /** Keeps them with the registry's helper, or in the file. */
  async store(registry: string, credentials: StoredCredentials): Promise<void> {
    const config = await this.#read();
    const key = keyOf(registry);
    const helper = helperFor(config, registry);
    if (helper !== undefined) await storeWithHelper(helper, key, credentials);
    // With a helper an empty entry says that one is logged in.
    const entry = helper === undefined ? entryOf(credentials) : {};
    await this.#write({ ...config, auths: { ...withoutHost(tableOf(config, "auths"), key), [key]: entry } });
  }

  /** Forgets them; false when there were none. */
  async erase(registry: string): Promise<boolean> {
    const config = await this.#read();
    const key = keyOf(registry);
    const auths = tableOf(config, "auths");
    const left = withoutHost(auths, key);
    const helper = helperFor(config, registry);
    const isKnown = Object.keys(left).length < Object.keys(auths).length;
    if (helper !== undefined && isKnown) await eraseWithHelper(helper, key);
    if (isKnown) await this.#write({ ...config, auths: left });
    return isKnown;
  }

  #readEntry(entry: JsonObject, registry: string): StoredCredentials | undefined {
    const text = (name: string) => (typeof entry[name] === "string" && entry[name] !== "" ? entry[name] : undefined);
    const auth = text("auth");
    const decoded = auth === undefined ? "" : Buffer.from(auth, "base64").toString("utf8").replace(/\0+$/, "");
    const colon = decoded.indexOf(":");
    if (auth !== undefined && colon < 0) {
      throw new BerthError(
        "failed-precondition",
        `${this.#path} has an auth for ${registry} that cannot be read: log in again`,
      );
    }
    const username = auth === undefined ? text("username") : decoded.slice(0, colon);
    const password = auth === undefined ? text("password") : decoded.slice(colon + 1);
    const identityToken = text("identitytoken");
    const registryToken = text("registrytoken");
    if (username === undefined && identityToken === undefined && registryToken === undefined) return undefined;
    return {
      ...(username !== undefined && username !== "" && { username }),
      ...(password !== undefined && password !== "" && { password }),
      ...(identityToken !== undefined && { identityToken }),
      ...(registryToken !== undefined && { registryToken }),
    };
  }

  async #read(): Promise<JsonObject> {
    let config: unknown;
    try {
      const text = await readFile(this.#path, "utf8");
      config = text.trim() === "" ? {} : JSON.parse(text);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
      throw new BerthError("failed-precondition", `cannot read ${this.#path}: ${(error as Error).message}`, {
        cause: error,
      });
    }
    if (isObject(config)) return config;
    throw new BerthError("failed-precondition", `cannot read ${this.#path}: it is not a JSON object`);
  }

  async #write(config: JsonObject): Promise<void> {
    await mkdir(path.dirname(this.#path), { recursive: true, mode: 0o700 });
    // Some keep the file elsewhere and link to it: the link stays.
    const target = await realpath(this.#path).catch(() => this.#path);
    const temporary = `${target}.${randomUUID()}`;
    try {
      await using file = await open(temporary, "wx", 0o600);
      await file.writeFile(`${JSON.stringify(config, undefined, "\t")}\n`);
      await file.sync();
      await chmod(temporary, 0o600);
      await rename(temporary, target);
    } catch (error) {
      await rm(temporary, { force: true });
      throw new BerthError("failed-precondition", `cannot write ${target}: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }
}

/** The name of a registry in config.json. */
function keyOf(registry: string): string {
  const host = hostOf(registry);
  return hubNames.has(host) ? hubKey : host;
}

function hostOf(address: string): string {
  return address.replace(/^https?:\/\//, "").replace(/\/.*$/, "");
}

function helperFor(config: JsonObject, registry: string): string | undefined {
  const helpers = tableOf(config, "credHelpers");
  const key = keyOf(registry);
  const names = key === hubKey ? [hubKey, ...hubNames] : [key];
  const own = names.map((name) => helpers[name]).find((helper) => typeof helper === "string" && helper !== "");
  const store = own ?? config["credsStore"];
  return typeof store === "string" && store !== "" ? store : undefined;
}

function entryOf({ username, password, identityToken, registryToken }: StoredCredentials): JsonObject {
  return {
    ...(username !== undefined && { auth: Buffer.from(`${username}:${password ?? ""}`).toString("base64") }),
    ...(identityToken !== undefined && { identitytoken: identityToken }),
    ...(registryToken !== undefined && { registrytoken: registryToken }),
  };
}

function withoutHost(auths: JsonObject, key: string): JsonObject {
  return Object.fromEntries(Object.entries(auths).filter(([name]) => hostOf(name) !== hostOf(key)));
}

function tableOf(config: JsonObject, name: string): JsonObject {
  const table = config[name];
  return isObject(table) ? table : {};
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
