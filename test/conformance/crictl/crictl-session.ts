// SPDX-License-Identifier: Apache-2.0
// crictl against one daemon, as an operator types it.

import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { eventually } from "../../support/eventually.ts";

export interface Said {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

const timeoutMs = 60_000;

export class CrictlSession {
  readonly #program: string;
  readonly #config: string;

  constructor(program: string, config: string) {
    this.#program = program;
    this.#config = config;
  }

  async run(words: readonly string[], input = ""): Promise<Said> {
    return await new Promise((resolve) => {
      const options = { timeout: timeoutMs, maxBuffer: 1 << 26 };
      const child = execFile(this.#program, this.#args(words), options, (error, stdout, stderr) => {
        const status = error === null ? 0 : typeof error.code === "number" ? error.code : 255;
        resolve({ status, stdout, stderr });
      });
      // One that has ended reads no more; its status says what there is to say.
      child.stdin?.on("error", () => undefined);
      child.stdin?.end(input);
    });
  }

  /** It must succeed; its stdout without the last newline. */
  async ok(...words: readonly string[]): Promise<string> {
    const { status, stdout, stderr } = await this.run(words);
    assert.equal(status, 0, `crictl ${words.join(" ")}: ${stdout}${stderr}`);
    return stdout.replace(/\n$/, "");
  }

  async json<T>(...words: readonly string[]): Promise<T> {
    return JSON.parse(await this.ok(...words)) as T;
  }

  /** It must fail; what it said. */
  async fails(...words: readonly string[]): Promise<string> {
    const { status, stdout, stderr } = await this.run(words);
    assert.notEqual(status, 0, `crictl ${words.join(" ")}: ${stdout}`);
    return stderr;
  }

  /** One that goes on until the scope ends. */
  background(...words: readonly string[]): BackgroundCrictl {
    const child = spawn(this.#program, this.#args(words), { stdio: ["pipe", "pipe", "pipe"] });
    return new BackgroundCrictl(child, words.join(" "));
  }

  #args(words: readonly string[]): string[] {
    return ["--config", this.#config, ...words];
  }
}

export class BackgroundCrictl implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  readonly #what: string;
  said = "";

  constructor(child: ChildProcess, what: string) {
    this.#child = child;
    this.#what = what;
    this.#exited = once(child, "exit");
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (data: Buffer) => {
        this.said += data.toString();
      });
    }
    child.stdin?.on("error", () => undefined);
  }

  type(text: string): void {
    this.#child.stdin?.write(text);
  }

  endInput(): void {
    this.#child.stdin?.end();
  }

  async until(pattern: RegExp): Promise<void> {
    await eventually(`${String(pattern)} of crictl ${this.#what}`, () =>
      pattern.test(this.said) ? true : undefined,
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}; it said ${this.said}`, { cause: error });
    });
  }

  async ended(): Promise<void> {
    await this.#exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill("SIGKILL");
    await this.#exited;
  }
}
