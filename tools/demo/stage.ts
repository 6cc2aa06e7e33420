// SPDX-License-Identifier: Apache-2.0
// Where the demo plays: a directory, a daemon and a registry of its own. Steps are shell commands, run exactly as they are
// shown. Owned by the demo, which closes it whatever happened.

import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { constants, tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { endMarked, freeSubnet, listMarked, releaseMarked } from "./machine.ts";

/** A step did not do what it should; the message is one line. */
export class StepFailed extends Error {}

/** The user had enough. */
export class Interrupted extends Error {
  readonly exitCode: number;

  constructor(signal: "SIGINT" | "SIGTERM" | "SIGHUP") {
    super(`interrupted by ${signal}`);
    this.exitCode = 128 + constants.signals[signal];
  }
}

interface Expectation {
  /** What its output, or its complaints, must match. */
  readonly output?: RegExp;
  /** Exit codes that are as good as 0. */
  readonly mayExit?: readonly number[];
}

/** How long the daemon and the registry may take to answer. */
const startDeadlineMs = 20_000;
/** How long the daemon may take to let go. */
const stopDeadlineMs = 10_000;

export class Stage {
  readonly #checkout: string;
  readonly #signal: AbortSignal;
  /** In the name of everything that is made. */
  readonly #mark = `berth-demo-${randomBytes(3).toString("hex")}`;
  #directory = "";
  #subnet = "";
  #daemon: ChildProcess | undefined;
  #registry: ChildProcess | undefined;

  constructor(checkout: string, { signal }: { readonly signal: AbortSignal }) {
    this.#checkout = checkout;
    this.#signal = signal;
  }

  /** Of the containers' addresses: "10.211.7.". */
  get subnetPrefix(): string {
    return this.#subnet.replace(/\d+\/\d+$/, "");
  }

  async open(): Promise<void> {
    this.#directory = await mkdtemp(path.join(tmpdir(), `${this.#mark}-`));
    this.#subnet = await freeSubnet();
    console.log(`A daemon and a registry of the demo's own, under ${this.#directory}:\n`);
  }

  async startDaemon(): Promise<void> {
    const config = this.#path("berth.toml");
    // Names of its own: a user's daemon may run beside it.
    const lines = [
      `root = "${this.#path("root")}"`,
      `state = "${this.#path("state")}"`,
      "[network]",
      `bridge = "${this.#bridge}"`,
      `subnet = "${this.#subnet}"`,
      "[containers]",
      `cgroup_parent = "/${this.#mark}"`,
      "[nri]",
      "enable = false",
    ];
    await writeFile(config, `${lines.join("\n")}\n`);
    const done = this.#begin(`bin/berth daemon --config ${config} &`);
    await this.#spawnDaemon(this.#signal);
    done();
    console.log(`$ export BERTH_HOST=unix://${this.#path("state/berth.sock")}`);
  }

  async #spawnDaemon(signal: AbortSignal): Promise<void> {
    const command = path.join(this.#checkout, "bin/berth");
    this.#daemon = this.#spawnBackground(command, ["daemon", "--config", this.#path("berth.toml")]);
    await until("the daemon", this.#daemon, async () => await answers(this.#path("state/berth.sock")), signal);
  }

  /** Debian's registry on a free port of the loopback; its name for references. */
  async startRegistry(): Promise<string> {
    const [config, port] = [this.#path("registry.yml"), await this.freePort()];
    const settings = {
      version: 0.1,
      log: { accesslog: { disabled: true } },
      storage: { filesystem: { rootdirectory: this.#path("registry") } },
      http: { addr: `127.0.0.1:${port}` },
    };
    // JSON is YAML.
    await writeFile(config, JSON.stringify(settings));
    const done = this.#begin(`docker-registry serve ${config} &`);
    this.#registry = this.#spawnBackground("docker-registry", ["serve", config]);
    const isReady = async () => await answers({ host: "127.0.0.1", port });
    await until("the registry", this.#registry, isReady, this.#signal);
    done();
    return `localhost:${port}`;
  }

  /** A root filesystem of busybox with a link for each of its commands, and a page to serve. */
  async makeRootfs(page: string): Promise<string> {
    const rootfs = this.#path("rootfs");
    for (const name of ["bin", "dev", "etc", "proc", "srv", "sys", "tmp"]) {
      await mkdir(path.join(rootfs, name), { recursive: true });
    }
    await copyFile("/bin/busybox", path.join(rootfs, "bin/busybox"));
    const { stdout } = await this.#shell("/bin/busybox --list");
    for (const name of stdout.split("\n")) {
      if (name !== "" && name !== "busybox") await symlink("busybox", path.join(rootfs, "bin", name));
    }
    await writeFile(path.join(rootfs, "etc/passwd"), "root:x:0:0:root:/:/bin/sh\n");
    await writeFile(path.join(rootfs, "srv/index.html"), `${page}\n`);
    return rootfs;
  }

  async freePort(): Promise<number> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    server.close();
    await once(server, "close");
    if (address === null || typeof address === "string") throw new StepFailed("found no free port");
    return address.port;
  }

  say(text: string): void {
    console.log(`\n${text}\n`);
  }

  /** Shows the command, runs it, shows its output and its time. */
  async run(command: string, expected: Expectation = {}): Promise<void> {
    const done = this.#begin(command);
    const { status, stdout, stderr } = await this.#shell(command);
    const output = `${stdout}${stderr}`.trimEnd();
    for (const line of output.split("\n")) if (line !== "") console.log(`  ${line}`);
    if (status !== 0 && expected.mayExit?.includes(status) !== true) {
      throw new StepFailed(`step failed with exit code ${status}: ${command}`);
    }
    if (expected.output !== undefined && !expected.output.test(output)) {
      throw new StepFailed(`step printed something else than ${expected.output}: ${command}`);
    }
    done();
  }

  /** What curl would do. */
  async fetch(url: string, expected: string): Promise<void> {
    const done = this.#begin(`curl ${url}`);
    const body = await get(url, this.#signal);
    console.log(`  ${body.trimEnd()}`);
    if (body.trimEnd() !== expected) throw new StepFailed(`step got another page than expected: curl ${url}`);
    done();
  }

  /** The end of the daemon's log, for whoever looks into a failure. */
  async showDaemonLog(): Promise<void> {
    if (this.#daemon === undefined || this.#signal.aborted) return;
    const lines = (await readFile(this.#path("daemon.log"), "utf8")).trimEnd().split("\n").slice(-5);
    for (const line of lines) console.error(`  daemon: ${line}`);
  }

  /** Ends and removes everything; what it could not remove. */
  async close(): Promise<readonly string[]> {
    if (this.#directory === "") return [];
    if (this.#daemon !== undefined) await this.#removeContainers(this.#daemon);
    for (const child of [this.#daemon, this.#registry]) await end(child);
    await endMarked(this.#marks);
    await releaseMarked(this.#marks, this.#bridge);
    const left = await listMarked(this.#marks, this.#bridge);
    // With a mount still in it, removing would go on into what is mounted.
    if (left.length > 0) return [...left, this.#directory];
    await rm(this.#directory, { recursive: true, force: true });
    return [];
  }

  /** At most 15 characters, as the kernel wants an interface's name. */
  get #bridge(): string {
    return `bdemo-${this.#mark.slice(-6)}`;
  }

  get #marks(): { readonly directory: string; readonly cgroup: string } {
    return { directory: this.#directory, cgroup: this.#mark };
  }

  #path(name: string): string {
    return path.join(this.#directory, name);
  }

  #begin(command: string): () => void {
    this.#signal.throwIfAborted();
    console.log(`$ ${command}`);
    const started = performance.now();
    return () => console.log(`  [${((performance.now() - started) / 1000).toFixed(2)} s]`);
  }

  /** In a session of its own, so that Ctrl-C reaches the demo alone, which then ends it in order. */
  #spawnBackground(command: string, args: readonly string[]): ChildProcess {
    const log = openSync(this.#path(`${path.basename(command) === "berth" ? "daemon" : "registry"}.log`), "a");
    try {
      return spawn(command, args, { cwd: this.#checkout, detached: true, stdio: ["ignore", log, log] });
    } finally {
      closeSync(log);
    }
  }

  async #shell(command: string) {
    const finished = await shell(command, this.#shellOptions, this.#signal);
    this.#signal.throwIfAborted();
    return finished;
  }

  /** By the daemon, for only it can take back what it gave them on the network; one that died is started again. */
  async #removeContainers(daemon: ChildProcess): Promise<void> {
    // Not ended by Ctrl-C, but by a deadline.
    const signal = AbortSignal.timeout(stopDeadlineMs);
    try {
      if (!isRunning(daemon)) await this.#spawnDaemon(signal);
      await shell("bin/berth ps --all --quiet | xargs -r bin/berth rm --force --volumes", this.#shellOptions, signal);
    } catch (error) {
      // What follows ends and removes them the hard way.
      console.error(`demo: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  get #shellOptions() {
    const environment = { ...process.env, BERTH_HOST: `unix://${this.#path("state/berth.sock")}` };
    return { cwd: this.#checkout, env: environment };
  }
}

interface Finished {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A process group of its own, which an abort ends as a whole. */
async function shell(
  command: string,
  options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
  signal: AbortSignal,
): Promise<Finished> {
  const child = spawn("/bin/sh", ["-c", command], { ...options, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  const output = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    output.stdout += chunk;
  });
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    output.stderr += chunk;
  });
  const kill = () => {
    if (child.pid !== undefined && isRunning(child)) process.kill(-child.pid, "SIGTERM");
  };
  if (signal.aborted) kill();
  signal.addEventListener("abort", kill);
  try {
    const [status] = (await once(child, "close")) as [number | null];
    return { status: status ?? 1, ...output };
  } finally {
    signal.removeEventListener("abort", kill);
  }
}

/** Waits until it serves. */
async function until(
  what: string,
  child: ChildProcess,
  isReady: () => Promise<boolean>,
  signal: AbortSignal,
): Promise<void> {
  const deadline = Date.now() + startDeadlineMs;
  let failure: Error | undefined;
  child.once("error", (error) => {
    failure = error;
  });
  while (!(await isReady())) {
    signal.throwIfAborted();
    if (failure !== undefined) throw new StepFailed(`${what} did not start: ${failure.message}`);
    if (!isRunning(child)) throw new StepFailed(`${what} ended with exit code ${child.exitCode} instead of serving`);
    if (Date.now() > deadline) throw new StepFailed(`${what} does not answer after ${startDeadlineMs / 1000} s`);
    await sleep(20);
  }
}

/** SIGTERM, and SIGKILL for who does not hear it. */
async function end(child: ChildProcess | undefined): Promise<void> {
  if (child?.pid === undefined || !isRunning(child)) return;
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), stopDeadlineMs);
  await exited;
  clearTimeout(timer);
}

function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null;
}

/** Whether somebody accepts connections there. */
async function answers(address: string | { readonly host: string; readonly port: number }): Promise<boolean> {
  const socket = typeof address === "string" ? connect(address) : connect(address);
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false; // not yet
  } finally {
    socket.destroy();
  }
}

/** The server in the container may need a moment to listen. */
async function get(url: string, signal: AbortSignal): Promise<string> {
  const deadline = Date.now() + 5000;
  for (;;) {
    try {
      const response = await fetch(url, { signal });
      return await response.text();
    } catch (error) {
      signal.throwIfAborted();
      const { message } = error instanceof Error && error.cause instanceof Error ? error.cause : (error as Error);
      if (Date.now() > deadline) throw new StepFailed(`step got no answer (${message}): curl ${url}`);
      await sleep(20);
    }
  }
}
