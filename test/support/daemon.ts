// SPDX-License-Identifier: Apache-2.0
// A daemon of its own for a test file: own directories, bridge, subnet and cgroup, so that files run side by side. What
// it leaves on the machine after it was stopped fails the test.

import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { randomBytes, randomInt } from "node:crypto";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type BerthClient, BerthClient as Client } from "../../sdk/src/index.ts";
import { mountPointsWithin, unmountAll } from "../../src/linux/mount/unmount.ts";
import { criSocket, removeAllPods } from "./cri-client.ts";

import { assertNoLeaks, type MachineSnapshot, snapshotMachine } from "./leaks.ts";

export { eventually } from "./eventually.ts";

const checkout = path.join(import.meta.dirname, "../..");
/** A shim that hangs is waited for. */
const readyDeadlineMs = 60_000;

/** What a suite of node:test has: clean-up that runs whatever happened. */
export interface TestScope {
  after(work: () => Promise<void>): void;
}

export interface CommandResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface DaemonOptions {
  /** Further lines of the configuration file. */
  readonly config?: string;
  /** A command that the daemon is run under, such as a private mount namespace. */
  readonly wrapper?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** The daemon's program below the checkout; its sources unless told. */
  readonly program?: string;
}

export class TestDaemon {
  readonly directory: string;
  readonly root: string;
  readonly state: string;
  readonly host: string;
  /** Appears in the name of everything that it makes. */
  readonly mark: string;
  readonly bridge: string;
  readonly cgroupParent: string;
  readonly client: BerthClient;
  readonly #options: DaemonOptions;
  readonly #before: MachineSnapshot;
  #process: ChildProcess | undefined;

  constructor(directory: string, before: MachineSnapshot, options: DaemonOptions) {
    this.directory = directory;
    this.root = path.join(directory, "root");
    this.state = path.join(directory, "state");
    this.host = `unix://${this.state}/berth.sock`;
    this.mark = path.basename(directory);
    this.bridge = `bt-${this.mark.slice(-8)}`;
    this.cgroupParent = `/${this.mark}`;
    this.client = new Client({ host: this.host });
    this.#options = options;
    this.#before = before;
  }

  get pid(): number {
    assert(this.#process?.pid !== undefined, "the daemon runs");
    return this.#process.pid;
  }

  get logFile(): string {
    return path.join(this.directory, "daemon.log");
  }

  /** Starts it (again) and waits until it answers. */
  async start(): Promise<void> {
    const [command, ...args] = [
      ...(this.#options.wrapper ?? []),
      process.execPath,
      "--disable-warning=ExperimentalWarning",
      path.join(checkout, this.#options.program ?? "src/daemon/main.ts"),
      "--config",
      path.join(this.directory, "berth.toml"),
      "--root",
      this.root,
      "--state",
      this.state,
      "--log-level",
      "debug",
    ];
    const log = createWriteStream(this.logFile, { flags: "a" });
    const child = spawn(command, args, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...this.#options.environment },
    });
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log);
    this.#process = child;
    const deadline = Date.now() + readyDeadlineMs;
    for (;;) {
      try {
        await this.client.system.version();
        return;
      } catch (error) {
        if (child.exitCode !== null || Date.now() > deadline) {
          throw new Error(`the daemon did not get ready:\n${await readFile(this.logFile, "utf8")}`, { cause: error });
        }
        await poll();
      }
    }
  }

  /** SIGTERM, and waits for its end. */
  async stop(): Promise<void> {
    await this.#end("SIGTERM");
  }

  /** SIGKILL: as a crash would. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** Runs the berth command of this checkout against it; input is its stdin. */
  async berth(
    args: readonly string[],
    { input }: { readonly input?: string | Uint8Array } = {},
  ): Promise<CommandResult> {
    return await run(
      process.execPath,
      ["--disable-warning=ExperimentalWarning", path.join(checkout, "src/cli/main.ts"), ...args],
      {
        env: { ...process.env, BERTH_HOST: this.host, DOCKER_CONFIG: path.join(this.directory, "docker") },
        ...(input !== undefined && { input }),
      },
    );
  }

  /** The same, and it must succeed; its stdout without the last newline. */
  async ok(...args: readonly string[]): Promise<string> {
    const { status, stdout, stderr } = await this.berth(args);
    assert.equal(status, 0, `berth ${args.join(" ")}: ${stderr}`);
    return stdout.replace(/\n$/, "");
  }

  /** Makes an image of busybox with all its commands, under this name. */
  async importBusybox(name = "busybox:latest", changes: readonly string[] = ['CMD ["sh"]']): Promise<void> {
    const archive = await busyboxArchive();
    async function* chunks() {
      yield archive;
    }
    await this.client.images.import(chunks(), { reference: name, changes: [...changes] });
  }

  /** Removes all pods and containers, stops it and checks that nothing is left. */
  async close(): Promise<void> {
    try {
      if (this.#process === undefined || this.#process.exitCode !== null || this.#process.signalCode !== null)
        await this.start();
      await removeAllPods(criSocket(this));
      for (const { id } of await this.client.containers.list({ all: true })) {
        await this.client.containers.remove(id, { force: true, volumes: true });
      }
      await this.stop();
    } finally {
      this.client.close();
      await this.#end("SIGKILL");
      await run("ip", ["link", "delete", this.bridge], {});
      const mounts = await mountPointsWithin(this.directory);
      await removeCgroups(this.cgroupParent);
      for (const mount of [...mounts].reverse()) await unmountAll(mount);
      await rm(this.directory, { recursive: true, force: true });
      assert.deepEqual(mounts, [], "mounts are left behind");
    }
    await assertNoLeaks(this.#before, { marks: [this.mark, this.bridge] });
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill(signal);
    await exited;
  }
}

/** The machine's NRI socket is nobody's test's, unless it says so. */
function noPlugins({ config = "" }: DaemonOptions): string {
  return config.includes("[nri]") ? "" : "\n[nri]\nenable = false\n";
}

/** A running daemon that the scope's end closes. */
export async function startDaemon(scope: TestScope, options: DaemonOptions = {}): Promise<TestDaemon> {
  const before = await snapshotMachine();
  const directory = await mkdtemp(path.join(tmpdir(), `berth-test-${randomBytes(3).toString("hex")}`));
  // As /run is: who is root in a user namespace must get to its root filesystem.
  await chmod(directory, 0o711);
  const daemon = new TestDaemon(directory, before, options);
  await mkdir(daemon.root, { recursive: true });
  await writeFile(
    path.join(directory, "berth.toml"),
    `[network]
bridge = "${daemon.bridge}"
subnet = "10.${randomInt(100, 250)}.${randomInt(0, 256)}.0/24"

[containers]
cgroup_parent = "${daemon.cgroupParent}"

${options.config ?? ""}${noPlugins(options)}`,
  );
  scope.after(async () => await daemon.close());
  await daemon.start();
  return daemon;
}

async function poll(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 25));
}

/** A root filesystem with Debian's static busybox and a link for each of its commands. */
async function busyboxArchive(): Promise<Uint8Array> {
  const directory = await mkdtemp(path.join(tmpdir(), "berth-busybox-"));
  try {
    const script = `mkdir -p bin etc tmp root proc sys dev var/www && cp /bin/busybox bin/busybox && chmod 1777 tmp
      for command in $(bin/busybox --list); do [ "$command" = busybox ] || ln -s busybox "bin/$command"; done
      printf 'root:x:0:0:root:/root:/bin/sh\\nnobody:x:65534:65534:nobody:/:/bin/false\\nweb:x:33:33:web:/var/www:/bin/sh\\n' > etc/passwd
      printf 'root:x:0:\\nnogroup:x:65534:\\nweb:x:33:\\nextra:x:50:web\\n' > etc/group
      tar -cf ../$(basename "$PWD").tar --numeric-owner .`;
    const { status, stderr } = await run("sh", ["-ec", script], { cwd: directory });
    assert.equal(status, 0, stderr);
    return await readFile(`${directory}.tar`);
  } finally {
    await rm(directory, { recursive: true, force: true });
    await rm(`${directory}.tar`, { force: true });
  }
}

async function removeCgroups(parent: string): Promise<void> {
  await run("sh", ["-c", `find /sys/fs/cgroup -depth -type d -path "*${parent}" -exec rmdir {} + 2>/dev/null`], {});
}

interface RunOptions {
  readonly input?: string | Uint8Array;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
}

async function run(
  command: string,
  args: readonly string[],
  { input, ...options }: RunOptions,
): Promise<CommandResult> {
  return await new Promise((resolve) => {
    const child = execFile(command, args, { ...options, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      const status = error === null ? 0 : typeof error.code === "number" ? error.code : 255;
      resolve({ status, stdout, stderr });
    });
    // One that has ended reads no more; its status says what there is to say.
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(input ?? "");
  });
}
