// SPDX-License-Identifier: Apache-2.0
// Plugins that lie in a directory and are started with the engine: executables whose names begin with their index. Each
// gets its end of a socket as descriptor 3, and what a file with its name in another directory says as configuration.

import { type ChildProcess, spawn } from "node:child_process";
import { open, readdir, readFile, stat } from "node:fs/promises";
import path from "node:path";
import type { Duplex } from "node:stream";
import { EngineError, messageOf, toEngineError } from "../../../../base/errors.ts";
import type { Logger } from "../../../../base/log.ts";
import { hasErrno } from "../../../../host/files/errno.ts";
import { formatPluginName, type PluginName, parsePluginName } from "./plugin-name.ts";

export interface InstalledPlugin {
  readonly file: string;
  readonly name: PluginName;
  readonly config: string;
}

const wasmMagic = Buffer.from("\0asm");

/** Those in the directory, in their order; none when it is not there. What cannot be a plugin is logged and left out. */
export async function findInstalledPlugins(
  directory: string,
  configDirectory: string,
  logger: Logger,
): Promise<readonly InstalledPlugin[]> {
  const found: InstalledPlugin[] = [];
  for (const entry of (await namesIn(directory)).toSorted()) {
    const file = path.join(directory, entry);
    try {
      const { mode } = await stat(file);
      if ((mode & 0o170000) !== 0o100000 || (mode & 0o111) === 0) continue;
      const name = parsePluginName(entry);
      if (await isWasm(file)) throw new EngineError("not-implemented", "plugins in WebAssembly cannot be run");
      found.push({ file, name, config: await readConfig(configDirectory, name) });
    } catch (error) {
      logger.warn({ file, error: messageOf(error) }, "not an NRI plugin that can be started");
    }
  }
  return found;
}

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return [];
    throw toEngineError(error, `look for NRI plugins in ${directory}`);
  }
}

async function isWasm(file: string): Promise<boolean> {
  await using handle = await open(file);
  const { buffer } = await handle.read(Buffer.alloc(wasmMagic.length), 0, wasmMagic.length, 0);
  return buffer.equals(wasmMagic);
}

async function readConfig(directory: string, name: PluginName): Promise<string> {
  for (const file of [`${formatPluginName(name)}.conf`, `${name.base}.conf`]) {
    try {
      return await readFile(path.join(directory, file), "utf8");
    } catch (error) {
      if (!hasErrno(error, "ENOENT")) throw error;
    }
  }
  return "";
}

/** A plugin's program and our end of its socket; disposing kills it and waits for its end. */
export interface RunningPlugin extends AsyncDisposable {
  readonly socket: Duplex;
}

/** Runs a few times a daemon at most, so that the cost of Node's own spawn does not matter. */
export async function launchPlugin({ file, name }: InstalledPlugin): Promise<RunningPlugin> {
  const child = spawn(file, [], {
    stdio: ["ignore", "ignore", "ignore", "pipe"],
    env: { NRI_PLUGIN_NAME: name.base, NRI_PLUGIN_IDX: name.index, NRI_PLUGIN_SOCKET: "3" },
  });
  const exited = new Promise<void>((resolve) => child.once("close", () => resolve()));
  await started(child, file);
  return {
    socket: child.stdio[3] as Duplex,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      child.stdio[3]?.destroy();
      await exited;
    },
  };
}

async function started(child: ChildProcess, file: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", (error) => reject(toEngineError(error, `start the NRI plugin ${file}`)));
  });
}
