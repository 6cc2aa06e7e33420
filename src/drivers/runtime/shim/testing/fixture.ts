// SPDX-License-Identifier: Apache-2.0
// A runtime in a state directory of its own, a root filesystem made of the machine's static busybox, and a check that
// nothing is left of either.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { constants, existsSync, openSync } from "node:fs";
import { copyFile, mkdir, readdir, readFile, readlink, rm, symlink, writeFile } from "node:fs/promises";
import { Socket } from "node:net";
import { join } from "node:path";
import { deadlineSignal, delay } from "../../../../base/lifetime.ts";
import { silentLogger } from "../../../../base/log.ts";
import type { Stdio } from "../../../../core/streams/stdio.ts";
import type { RuntimeHandler, TaskRequest, TaskRuntime } from "../../../../core/tasks/task-runtime.ts";
import { makeFifo } from "../../../../linux/ffi/fifo.ts";
import type { RuntimeProcess, RuntimeResources, RuntimeSpec } from "../../../../oci/runtime/spec.ts";
import { openShimRuntime } from "../runtime.ts";

/** Never aborts: tests end by the deadline of the test runner. */
export const signal = new AbortController().signal;

const applets = ["sh", "true", "false", "cat", "sleep", "echo", "tty", "stty", "id", "dd", "tail", "kill", "test"];

export interface SpecOptions {
  readonly terminal?: boolean;
  readonly resources?: RuntimeResources;
}

/** One test's world; dispose it to check that nothing is left. */
export class Fixture implements AsyncDisposable {
  readonly name = `berth-shim-${randomBytes(4).toString("hex")}`;
  readonly state = join("/run", this.name);
  readonly rootfs = join(this.state, "image");
  readonly handler: RuntimeHandler;
  #runtime: TaskRuntime | undefined;
  #count = 0;

  private constructor(handler: RuntimeHandler) {
    this.handler = handler;
  }

  static async open(handler: RuntimeHandler): Promise<Fixture> {
    const fixture = new Fixture(handler);
    for (const directory of ["bin", "proc", "dev", "etc", "tmp"]) {
      await mkdir(join(fixture.rootfs, directory), { recursive: true, mode: 0o755 });
    }
    await writeFile(join(fixture.rootfs, "etc/plain"), "not a program\n", { mode: 0o644 });
    await copyFile("/bin/busybox", join(fixture.rootfs, "bin/busybox"));
    for (const applet of applets) await symlink("busybox", join(fixture.rootfs, "bin", applet));
    await fixture.openRuntime();
    return fixture;
  }

  get runtime(): TaskRuntime {
    assert.ok(this.#runtime, "the runtime is closed");
    return this.#runtime;
  }

  async openRuntime(): Promise<TaskRuntime> {
    this.#runtime = await openShimRuntime(this.dependencies, { signal });
    return this.#runtime;
  }

  /** Ends the driver as a daemon's end does: shims and tasks go on. */
  async closeRuntime(): Promise<void> {
    await this.#runtime?.[Symbol.asyncDispose]();
    this.#runtime = undefined;
  }

  get dependencies() {
    return {
      logger: silentLogger,
      stateDirectory: join(this.state, "run"),
      namespace: "berth-test",
      eventSocketPath: join(this.state, "events.sock"),
    };
  }

  /** A request to run this command line, with a new id and a sandbox of its own. */
  request(args: readonly string[], stdio: Stdio = { terminal: false }, options: SpecOptions = {}): TaskRequest {
    this.#count++;
    const id = `${this.name}-${this.#count}`;
    return {
      id,
      sandboxId: `sandbox-${id}`,
      handler: this.handler,
      spec: this.#spec(id, args, { ...options, terminal: stdio.terminal }),
      rootfs: this.rootfs,
      stdio,
    };
  }

  process(args: readonly string[], terminal = false): RuntimeProcess {
    const capabilities = ["CAP_KILL", "CAP_SETUID", "CAP_SETGID"];
    return {
      terminal,
      user: { uid: 0, gid: 0 },
      args,
      env: ["PATH=/bin", "TERM=xterm"],
      cwd: "/",
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      noNewPrivileges: true,
    };
  }

  /** FIFOs for the streams of one process, and what comes out of them. */
  streams({ stdin = false, terminal = false } = {}): TestStreams {
    return new TestStreams(join(this.state, `io-${++this.#count}`), { stdin, terminal });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      const runtime = this.#runtime ?? (await this.openRuntime());
      for (const id of await runtime.list()) await runtime.purge(id, { signal });
      await this.closeRuntime();
      assert.deepEqual(await this.leftovers(), []);
      // Not shims with sockets: what the layout says is there when nothing runs.
      assert.deepEqual((await readdir(join(this.state, "run", "shims"))).toSorted(), []);
      assert.deepEqual(await readdir(join(this.state, "run", "s")), []);
      assert.deepEqual(await readdir(join(this.state, "run", "bundles")), []);
    } finally {
      await rm(this.state, { recursive: true, force: true });
    }
  }

  /** Processes, mounts and cgroups that carry this fixture's name. */
  async leftovers(): Promise<readonly string[]> {
    const mounts = (await readFile("/proc/self/mountinfo", "utf8")).split("\n");
    const found = mounts.filter((line) => line.includes(this.name)).map((line) => `mount ${line}`);
    for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
      const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
      const directory = await readlink(`/proc/${pid}/cwd`).catch(() => "");
      if (Number(pid) === process.pid || !`${command} ${directory}`.includes(this.name)) continue;
      found.push(`process ${pid}: ${command.replaceAll("\0", " ")}in ${directory}`);
    }
    return [...found, ...(await this.#cgroups("/sys/fs/cgroup", 4))];
  }

  /** Cgroups named after this fixture, but for the empty parent, which belongs to who chose the path. */
  async #cgroups(directory: string, depth: number): Promise<readonly string[]> {
    const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
    const found: string[] = [];
    for (const entry of entries.filter((candidate) => candidate.isDirectory())) {
      const path = join(directory, entry.name);
      if (!existsSync(join(path, "cgroup.procs"))) continue;
      if (entry.name.includes(this.name)) found.push(`cgroup ${path}`);
      else if (depth > 1) found.push(...(await this.#cgroups(path, depth - 1)));
    }
    return found;
  }

  #spec(id: string, args: readonly string[], { terminal = false, resources }: SpecOptions): RuntimeSpec {
    return {
      ociVersion: "1.0.0",
      process: this.process(args, terminal),
      root: { path: "rootfs" },
      mounts: [
        { destination: "/proc", type: "proc", source: "proc" },
        { destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid", "mode=755", "size=64k"] },
        { destination: "/dev/pts", type: "devpts", source: "devpts", options: ["newinstance", "ptmxmode=0666"] },
      ],
      linux: {
        cgroupsPath: `/${id}`,
        namespaces: (["pid", "mount", "ipc", "uts", "network"] as const).map((type) => ({ type })),
        ...(resources === undefined ? {} : { resources }),
      },
    };
  }
}

/** The ends of one process's FIFOs on our side. */
export class TestStreams implements AsyncDisposable {
  readonly stdio: Stdio;
  readonly #directory: string;
  readonly #sockets: Socket[] = [];
  readonly #ready: Promise<void>;
  #stdin: Socket | undefined;
  #output = "";
  #ended = 0;

  constructor(directory: string, { stdin, terminal }: { readonly stdin: boolean; readonly terminal: boolean }) {
    this.#directory = directory;
    const path = (name: string) => join(directory, name);
    this.stdio = {
      ...(stdin ? { stdin: path("stdin") } : {}),
      stdout: path("stdout"),
      ...(terminal ? {} : { stderr: path("stderr") }),
      terminal,
    };
    this.#ready = this.#open();
  }

  async open(): Promise<this> {
    await this.#ready;
    return this;
  }

  /** What the process wrote to stdout and stderr so far. */
  get output(): string {
    return this.#output;
  }

  write(text: string): void {
    this.#stdin?.write(text);
  }

  /** Closes our end of stdin; the process sees its end once the shim has closed its own, on closeStdin. */
  endInput(): void {
    this.#stdin?.destroy();
  }

  /** Waits until the output has this in it. */
  async until(part: string): Promise<void> {
    await eventually(
      () => this.#output.includes(part),
      () => `no ${part} in ${JSON.stringify(this.#output)}`,
    );
  }

  /** Waits until the process and everybody else has closed its outputs; all that was written. */
  async end(): Promise<string> {
    const outputs = this.stdio.terminal ? 1 : 2;
    await eventually(
      () => this.#ended === outputs,
      () => `output does not end: ${JSON.stringify(this.#output)}`,
    );
    return this.#output;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#stdin?.destroy();
    await rm(this.#directory, { recursive: true, force: true });
  }

  async #open(): Promise<void> {
    await mkdir(this.#directory, { recursive: true });
    const { stdin, stdout, stderr } = this.stdio;
    for (const path of [stdin, stdout, stderr]) if (path !== undefined) makeFifo(path);
    for (const path of [stdout, stderr]) {
      if (path === undefined) continue;
      const socket = new Socket({ fd: openSync(path, constants.O_RDONLY | constants.O_NONBLOCK), writable: false });
      socket.setEncoding("utf8");
      socket.on("data", (text: string) => {
        this.#output += text;
      });
      socket.on("end", () => {
        this.#ended++;
      });
      this.#sockets.push(socket);
    }
    if (stdin !== undefined) {
      this.#stdin = new Socket({ fd: openSync(stdin, constants.O_RDWR | constants.O_NONBLOCK), readable: false });
    }
  }
}

/** Polls until the condition holds; fails after ten seconds. */
export async function eventually(condition: () => boolean | Promise<boolean>, what: () => string): Promise<void> {
  const deadline = deadlineSignal(10_000, "the test");
  while (!(await condition())) {
    assert.ok(!deadline.aborted, what());
    await delay(5, { signal });
  }
}
