// SPDX-License-Identifier: Apache-2.0
// The plugin of the folder plugin/ as a process of a test: built once, told what to do, and asked what it was told.

import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";

/** Why nothing of this can run here; false when it can. */
export const noGo = spawnSync("go", ["version"]).status !== 0 && "go is not on PATH";

/** The program, in a new directory, which is the caller's to remove. */
export function buildPlugin(): { readonly file: string; readonly directory: string } {
  const directory = mkdtempSync(path.join(tmpdir(), "berth-nri-plugin-"));
  const file = path.join(directory, "plugin");
  execFileSync("go", ["build", "-o", file, "."], { cwd: path.join(import.meta.dirname, "plugin"), stdio: "inherit" });
  return { file, directory };
}

/** An object in protobuf's JSON. */
export type Json = { readonly [key: string]: unknown };

/** What the plugin was told; empty members are left out. */
export interface PluginEvent {
  readonly event: string;
  readonly pod?: Json & { readonly id: string };
  readonly container?: Json & { readonly id: string };
  readonly pods?: readonly { readonly id: string }[];
  readonly containers?: readonly (Json & { readonly id: string })[];
  readonly resources?: Json;
  readonly overhead?: Json;
  readonly request?: Json;
  readonly failed?: readonly Json[];
  readonly error?: string;
  readonly [key: string]: unknown;
}

/** How it answers: see plugin.go. */
export interface Behaviour {
  readonly block?: boolean;
  readonly deaf?: boolean;
  readonly error?: string;
  readonly once?: boolean;
  readonly adjust?: Json;
  readonly update?: readonly Json[];
}

export interface PluginRequest {
  readonly file: string;
  readonly socket: string;
  readonly name: string;
  readonly index?: string;
  /** Comma-separated; all by default. */
  readonly events?: string;
  /** By event, from its first moment. */
  readonly behaviours?: Readonly<Record<string, Behaviour>>;
}

const deadlineMs = 20_000;

/** Whoever starts it disposes it. */
export class NriPlugin implements AsyncDisposable {
  readonly events: PluginEvent[] = [];
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  #wake: (() => void)[] = [];

  /** Runs it; it connects at once. */
  constructor({ file, socket, name, index = "00", events = "all", behaviours = {} }: PluginRequest) {
    const words = ["-socket", socket, "-name", name, "-index", index, "-events", events];
    this.#child = spawn(file, words, { stdio: ["pipe", "pipe", "ignore"] });
    this.#exited = new Promise((resolve) => this.#child.once("close", () => resolve()));
    if (this.#child.stdout === null) throw new Error("no stdout");
    createInterface({ input: this.#child.stdout }).on("line", (line) => {
      this.events.push(JSON.parse(line) as PluginEvent);
      for (const wake of this.#wake.splice(0)) wake();
    });
    this.#child.stdin?.on("error", () => {}); // it may have ended
    for (const [event, behaviour] of Object.entries(behaviours)) this.behave(event, behaviour);
    this.#child.stdin?.write("go\n");
  }

  /** Runs it and waits until it has been synchronized. */
  static async join(request: PluginRequest): Promise<NriPlugin> {
    const plugin = new NriPlugin(request);
    try {
      await plugin.saw("Synchronize");
      return plugin;
    } catch (error) {
      await plugin[Symbol.asyncDispose]();
      throw error;
    }
  }

  behave(event: string, behaviour: Behaviour): void {
    this.#command({ do: "behave", event, behaviour });
  }

  /** Lets an event that blocks go on. */
  release(event: string): void {
    this.#command({ do: "release", event });
  }

  /** Asks for updates out of its own accord; the answer is an event "Updated". */
  update(update: readonly Json[]): void {
    this.#command({ do: "update", update });
  }

  /** The first event of this name, of this pod or container if one is named, once it is there. */
  async saw(name: string, id?: string): Promise<PluginEvent> {
    return await this.until(`${name} ${id ?? ""}`, () =>
      this.events.find((each) => each.event === name && (id === undefined || idOf(each) === id)),
    );
  }

  /** What the function finds, once it does. */
  async until<T>(what: string, find: () => T | undefined): Promise<T> {
    const timeout = AbortSignal.timeout(deadlineMs);
    for (;;) {
      const found = find();
      if (found !== undefined) return found;
      if (timeout.aborted) throw new Error(`${what} did not come, but ${this.names().join(" ")}`);
      await new Promise<void>((resolve) => {
        this.#wake.push(resolve);
        setTimeout(resolve, 50); // the function may look at other things than events
      });
    }
  }

  /** The names of what it was told from the list of all there is on, of this pod or container if one is named. */
  names(id?: string): readonly string[] {
    return this.events
      .filter((each) => !["Configure", "Configured", "Synchronized"].includes(each.event))
      .filter((each) => id === undefined || idOf(each) === id)
      .map(({ event }) => event);
  }

  /** Waits until it was told as much, and compares: its output comes later than the answers it gives. */
  async heard(names: readonly string[], id?: string): Promise<void> {
    const count = () => (this.names(id).length >= names.length ? true : undefined);
    await this.until(`${names.join(" ")} (${id ?? "all"})`, count);
    assert.deepEqual(this.names(id), names);
  }

  /** Ends it as a crash would. */
  kill(): void {
    this.#child.kill("SIGKILL");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill();
    await this.#exited;
  }

  #command(command: Json): void {
    this.#child.stdin?.write(`${JSON.stringify(command)}\n`);
  }
}

/** The container's id, or the pod's of an event that is about a pod. */
export function idOf({ container, pod }: PluginEvent): string | undefined {
  return container?.id ?? pod?.id;
}

/** What lies at this path of an object in protobuf's JSON; undefined when nothing does. */
export function at(value: unknown, ...keys: readonly string[]): unknown {
  return keys.reduce<unknown>(
    (current, key) => (typeof current === "object" && current !== null ? (current as Json)[key] : undefined),
    value,
  );
}
