// SPDX-License-Identifier: Apache-2.0
// Runs CNI plugins: finds them in the search path, gives them their environment and configuration, reads the answer. A
// plugin that is still running when the signal aborts is killed with everything it started.

import { accessSync, constants, statSync } from "node:fs";
import path from "node:path";
import { toEngineError, unavailable } from "../../../base/errors.ts";
import { type ProgramRequest, type ProgramResult, runProgram } from "../../../linux/process/run-program.ts";
import { parsePluginError, parseVersions } from "./cni-documents.ts";

export type CniVerb = "ADD" | "DEL" | "CHECK" | "STATUS" | "GC" | "VERSION";

export interface PluginCall {
  readonly verb: CniVerb;
  /** For messages. */
  readonly network: string;
  /** The plugin's type. */
  readonly plugin: string;
  /** The configuration that it reads on standard input. */
  readonly configuration: Readonly<Record<string, unknown>>;
  /** CNI_CONTAINERID, CNI_NETNS, CNI_IFNAME and CNI_ARGS as the verb needs them. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Where distributions put the plugins. */
export const defaultPluginDirectories: readonly string[] = ["/opt/cni/bin", "/usr/lib/cni", "/usr/libexec/cni"];

/** An answer that is longer is none. */
const maximumOutput = 1024 * 1024;

export class PluginRunner {
  readonly #directories: readonly string[];
  readonly #versions = new Map<string, readonly string[]>();

  constructor(directories: readonly string[]) {
    this.#directories = directories;
  }

  /** The plugin's program; unavailable with the way out when no directory has it. */
  find(plugin: string): string {
    for (const directory of this.#directories) {
      const file = path.join(directory, plugin);
      if (isExecutable(file)) return file;
    }
    throw unavailable(
      `CNI plugin ${plugin} not found in ${this.#directories.join(", ")}: install the plugins ` +
        `(apt-get install containernetworking-plugins) or configure their directory`,
    );
  }

  /** Versions that the plugin speaks; asked once for each program. */
  async versions(plugin: string, { signal }: { readonly signal: AbortSignal }): Promise<readonly string[]> {
    const file = this.find(plugin);
    const { ino, mtimeMs } = statSync(file);
    const key = `${file}:${ino}:${mtimeMs}`;
    const known = this.#versions.get(key);
    if (known !== undefined) return known;
    const output = await this.run(
      { verb: "VERSION", network: "-", plugin, configuration: { cniVersion: "1.0.0" }, environment: {} },
      { signal },
    );
    const versions = parseVersions(output, `CNI plugin ${plugin} at VERSION`);
    this.#versions.set(key, versions);
    return versions;
  }

  /** What the plugin printed; its error as an EngineError, the signal's reason when that came first. */
  async run(
    { verb, network, plugin, configuration, environment }: PluginCall,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<string> {
    const file = this.find(plugin);
    const context = verb === "VERSION" ? `CNI plugin ${plugin}` : `network ${network}: CNI plugin ${plugin} at ${verb}`;
    const result = await runPlugin(
      {
        file,
        parameters: [],
        input: JSON.stringify(configuration),
        environment: {
          ...environment,
          CNI_COMMAND: verb,
          CNI_PATH: this.#directories.join(":"),
          // Plugins run iptables, which a service's PATH may not reach.
          PATH: `${process.env["PATH"] ?? "/usr/bin:/bin"}:/usr/sbin:/sbin`,
        },
        maximumOutput,
      },
      context,
      signal,
    );
    const output = result.stdout.toString();
    if (result.status === 0) return output;
    throw parsePluginError(output === "" ? result.stderr.toString().slice(-4096) : output, context);
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    // Not there or not allowed: both mean that the next directory is asked.
    return false;
  }
}

async function runPlugin(request: ProgramRequest, context: string, signal: AbortSignal): Promise<ProgramResult> {
  try {
    return await runProgram(request, { signal });
  } catch (error) {
    if (signal.aborted) throw error;
    throw toEngineError(error, context);
  }
}
