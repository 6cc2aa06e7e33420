// SPDX-License-Identifier: Apache-2.0
// The berth command as a user at a terminal runs it: script(1) gives it a pseudo-terminal.

import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import path from "node:path";
import { eventually, type TestDaemon } from "../../support/daemon.ts";

const main = path.join(import.meta.dirname, "../../../src/cli/main.ts");

export class TerminalSession {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #exit: Promise<number>;
  #screen = "";

  constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child;
    this.#exit = new Promise((resolve) => {
      child.once("exit", (code) => resolve(code ?? 255));
    });
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      this.#screen += text;
    });
  }

  get screen(): string {
    return this.#screen;
  }

  type(keys: string): void {
    this.#child.stdin.write(keys);
  }

  async shows(text: string): Promise<void> {
    await eventually(`${JSON.stringify(text)} on the screen: ${JSON.stringify(this.#screen)}`, () =>
      this.#screen.includes(text) ? true : undefined,
    );
  }

  /** The command's exit code. */
  async exit(): Promise<number> {
    return await this.#exit;
  }
}

/** before: a shell command that runs on the terminal first; after: one that runs last, such as stty. */
export function openTerminal(
  daemon: TestDaemon,
  args: readonly string[],
  { after = "" }: { readonly after?: string } = {},
): TerminalSession {
  const words = [process.execPath, "--disable-warning=ExperimentalWarning", main, ...args].map(quote).join(" ");
  const script = `stty rows 33 cols 101; ${words}; code=$?; ${after === "" ? "" : `${after};`} exit $code`;
  const child = spawn("script", ["-qefc", script, "/dev/null"], {
    env: { ...process.env, BERTH_HOST: daemon.host, SHELL: "/bin/sh", TERM: "xterm" },
  });
  return new TerminalSession(child);
}

function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
