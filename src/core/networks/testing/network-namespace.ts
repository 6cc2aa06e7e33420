// SPDX-License-Identifier: Apache-2.0
// Network namespaces for tests, with a name of their own and removed with the test.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import type { TestContext } from "node:test";

export interface TestNamespace {
  readonly name: string;
  readonly path: string;
  /** Runs a program inside and gives its output; throws when it fails. */
  run(program: string, ...args: readonly string[]): string;
  /** Starts a program inside that is killed after the test. */
  start(program: string, ...args: readonly string[]): ChildProcess;
  remove(): void;
}

/** What is left when a hook before ours threw: the test runner then leaves out the rest. */
const leftovers = new Set<() => void>();
process.once("exit", () => {
  for (const remove of leftovers) remove();
});

export function makeNamespace(t: TestContext): TestNamespace {
  const name = `berth-t-${randomBytes(4).toString("hex")}`;
  execFileSync("ip", ["netns", "add", name]);
  const remove = () => {
    if (leftovers.delete(remove)) execFileSync("ip", ["netns", "delete", name]);
  };
  leftovers.add(remove);
  t.after(remove);
  execFileSync("ip", ["-n", name, "link", "set", "lo", "up"]);
  return {
    name,
    path: `/run/netns/${name}`,
    run: (program, ...args) =>
      execFileSync("ip", ["netns", "exec", name, program, ...args], { encoding: "utf8", timeout: 10_000 }),
    start: (program, ...args) => {
      const child = spawn("ip", ["netns", "exec", name, program, ...args], { stdio: "ignore" });
      t.after(async () => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const ended = new Promise((resolve) => child.once("exit", resolve));
        child.kill("SIGKILL");
        await ended;
      });
      return child;
    },
    remove,
  };
}
