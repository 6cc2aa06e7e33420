// SPDX-License-Identifier: Apache-2.0

import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";

const readyDeadlineMs = 30_000;

/** Settings for crictl, which would otherwise look for the machine's. */
export async function writeCrictlConfig(file: string, socket: string): Promise<void> {
  const endpoint = `unix://${socket}`;
  // JSON is YAML.
  await writeFile(file, JSON.stringify({ "runtime-endpoint": endpoint, "image-endpoint": endpoint }));
}

/** crictl with such settings. */
export class Crictl {
  readonly #program: string;
  readonly #config: string;

  constructor(programs: string, config: string) {
    this.#program = path.join(programs, "crictl");
    this.#config = config;
  }

  /** Waits until runtime and network are ready. */
  async ready(signal: AbortSignal): Promise<void> {
    const deadline = Date.now() + readyDeadlineMs;
    for (;;) {
      try {
        const { status } = JSON.parse(await this.#run(["info"], signal)) as InfoReply;
        if (status.conditions.every(({ type, status: isMet }) => isMet || !type.endsWith("Ready"))) return;
        throw new Error(`not ready: ${JSON.stringify(status.conditions)}`);
      } catch (error) {
        signal.throwIfAborted();
        if (Date.now() > deadline) throw new Error("the engine does not get ready", { cause: error });
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  }

  /** Pods in whatever state; their ids. */
  async removeAllPods(signal: AbortSignal): Promise<readonly string[]> {
    const ids = (await this.#run(["pods", "--quiet"], signal)).split("\n").filter((id) => id !== "");
    if (ids.length > 0) await this.#run(["rmp", "--force", ...ids], signal);
    return ids;
  }

  async #run(words: readonly string[], signal: AbortSignal): Promise<string> {
    const { stdout } = await promisify(execFile)(this.#program, ["--config", this.#config, ...words], { signal });
    return stdout;
  }
}

interface InfoReply {
  readonly status: { readonly conditions: readonly { readonly type: string; readonly status: boolean }[] };
}
