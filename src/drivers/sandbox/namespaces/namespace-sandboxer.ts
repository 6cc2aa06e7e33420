// SPDX-License-Identifier: Apache-2.0
// Sandboxes without a process: network, IPC and UTS namespaces pinned by bind mounts on
// <state>/namespaces/<sandbox id>/{net,ipc,uts}; with a user namespace of its own also {user}, which owns the others.
//
// The kernel's mount table is the only record. Pins lie on a private mount of their directory: under systemd /run is
// shared, and a pin that propagated into another service's mount namespace would keep the namespace alive there after
// its removal here. A sandbox that shares everything with the host has nothing to pin and no directory.

import { existsSync, statfsSync } from "node:fs";
import { mkdir, readdir } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { alreadyExists, invalidArgument, toEngineError } from "../../../base/errors.ts";
import { KeyedLock } from "../../../base/keyed-lock.ts";
import type { Sandboxer, SandboxNamespaces, SandboxRequest } from "../../../core/sandboxes/sandboxer.ts";
import { ifThereSync } from "../../../host/files/errno.ts";
import { mountOne } from "../../../linux/mount/mount-all.ts";
import { mountPointsWithin, unmountAll } from "../../../linux/mount/unmount.ts";
import { NamespaceThread } from "../../../linux/namespaces/namespace-thread.ts";
import { type PinRequest, pinNames, removePins, unfinishedName } from "../../../linux/namespaces/pin.ts";
import { type NamespacedSysctl, type NamespaceKind, parseNamespacedSysctl } from "../../../linux/namespaces/sysctls.ts";
import { pinUserNamespaces, userPinName } from "../../../linux/namespaces/user-namespace.ts";

export interface NamespaceSandboxerDependencies {
  /** The daemon's state directory, such as /run/berth. */
  readonly stateDirectory: string;
  /** The worker's entry; a bundled daemon names its own. */
  readonly workerUrl?: URL;
  /** One that others use too and that stays its owner's; without it the sandboxer has its own. */
  readonly thread?: NamespaceThread;
  /** What makes user namespaces; a bundled daemon names its own. */
  readonly userNamespaceProgram?: string;
}

/** NSFS_MAGIC, the file system of namespaces (statfs(2)). */
const nsfsMagic = 0x6e736673;

const sourceWorkerUrl = new URL("../../../daemon/workers/namespaces.ts", import.meta.url);
const builtProgram = fileURLToPath(new URL("../../../../build/native/berth-userns", import.meta.url));

/** Opens the sandboxer of a state directory; what a killed daemon left half-made is removed. */
export async function openNamespaceSandboxer(dependencies: NamespaceSandboxerDependencies): Promise<Sandboxer> {
  const directory = path.join(path.resolve(dependencies.stateDirectory), "namespaces");
  try {
    await mkdir(directory, { recursive: true, mode: 0o711 });
    await ensurePrivate(directory);
    await removeUnfinished(directory);
  } catch (error) {
    throw toEngineError(error, `cannot use ${directory} for namespaces`);
  }
  const program = dependencies.userNamespaceProgram ?? builtProgram;
  if (dependencies.thread !== undefined) {
    return new NamespaceSandboxer({ directory, program, thread: dependencies.thread });
  }
  const thread = new NamespaceThread(dependencies.workerUrl ?? sourceWorkerUrl);
  return new NamespaceSandboxer({ directory, program, thread, ownThread: thread });
}

/** Makes the directory a mount of its own that propagates nothing; it stays mounted while it has pins. */
async function ensurePrivate(directory: string): Promise<void> {
  if ((await mountPointsWithin(directory)).includes(directory)) return;
  mountOne({ type: "bind", source: directory, options: ["bind", "private"] }, directory);
}

/** Removes what was not finished, and directories whose pins did not outlive a reboot. */
async function removeUnfinished(directory: string): Promise<void> {
  const pinned = await pinnedNames(directory);
  for (const name of await readdir(directory)) {
    if (name.startsWith(".") || !pinned.has(name)) removePins(path.join(directory, name));
  }
}

/** The names of the entries that have something mounted below them. */
async function pinnedNames(directory: string): Promise<ReadonlySet<string>> {
  const mountPoints = await mountPointsWithin(directory);
  return new Set(
    mountPoints
      .map((mountPoint) => path.relative(directory, mountPoint).split("/")[0])
      .filter((name) => name !== undefined && name !== ""),
  ) as ReadonlySet<string>;
}

class NamespaceSandboxer implements Sandboxer {
  readonly #directory: string;
  readonly #thread: NamespaceThread;
  readonly #ownThread: NamespaceThread | undefined;
  readonly #program: string;
  readonly #ids = new KeyedLock();

  constructor(parts: {
    readonly directory: string;
    readonly program: string;
    readonly thread: NamespaceThread;
    readonly ownThread?: NamespaceThread;
  }) {
    this.#directory = parts.directory;
    this.#program = parts.program;
    this.#thread = parts.thread;
    this.#ownThread = parts.ownThread;
  }

  async create(request: SandboxRequest, { signal }: { readonly signal: AbortSignal }): Promise<SandboxNamespaces> {
    const directory = this.#directoryOf(request.id);
    const kinds = privateKinds(request);
    const sysctls = parseSysctls(request, kinds);
    const { userNamespace } = request;
    if (kinds.length === 0 && userNamespace === undefined) return {};
    return await this.#ids.run(
      request.id,
      async () => {
        if (existsSync(directory)) throw alreadyExists("sandbox", request.id);
        try {
          await this.#pin(request, { directory, kinds, hostname: request.hostname, sysctls }, signal);
          signal.throwIfAborted();
        } catch (error) {
          removePins(unfinishedName(directory));
          removePins(directory);
          throw toEngineError(error, `cannot make the namespaces of sandbox ${request.id}`);
        }
        return {
          ...(userNamespace !== undefined && { user: path.join(directory, userPinName) }),
          ...Object.fromEntries(kinds.map((kind) => [kind, path.join(directory, pinNames[kind])])),
        };
      },
      { signal },
    );
  }

  async remove(id: string): Promise<void> {
    const directory = this.#directoryOf(id);
    await this.#ids.run(id, async () => {
      try {
        removePins(directory);
      } catch (error) {
        throw toEngineError(error, `cannot release the namespaces of sandbox ${id}`);
      }
    });
  }

  async list(): Promise<readonly string[]> {
    try {
      return [...(await pinnedNames(this.#directory))].filter((name) => !name.startsWith(".")).sort();
    } catch (error) {
      throw toEngineError(error, "cannot list the pinned namespaces");
    }
  }

  async isWhole(_id: string, namespaces: SandboxNamespaces): Promise<boolean> {
    // A pin is in the kernel's memory: asking about it takes a microsecond, a hop through the thread pool many.
    const paths = Object.values(namespaces) as readonly string[];
    return await Promise.resolve(paths.every((pin) => ifThereSync(() => statfsSync(pin))?.type === nsfsMagic));
  }

  /** Ends the thread if it is its own. The pins stay for the next daemon; without any the directory's own mount goes too. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#ownThread?.[Symbol.asyncDispose]();
    if ((await pinnedNames(this.#directory)).size === 0) await unmountAll(this.#directory);
  }

  async #pin(request: SandboxRequest, pins: PinRequest, signal: AbortSignal): Promise<void> {
    const { userNamespace, domainname = "" } = request;
    if (userNamespace === undefined) return await this.#thread.pin(pins);
    const options = { program: this.#program, signal };
    await pinUserNamespaces({ ...pins, mappings: userNamespace, domainname }, options);
  }

  #directoryOf(id: string): string {
    if (!/^[A-Za-z0-9][\w.-]*$/.test(id)) throw invalidArgument(`invalid sandbox id: ${JSON.stringify(id)}`);
    return path.join(this.#directory, id);
  }
}

function privateKinds(request: SandboxRequest): readonly NamespaceKind[] {
  return (["network", "ipc", "uts"] as const).filter((kind) => request[kind] === "private");
}

function parseSysctls(request: SandboxRequest, kinds: readonly NamespaceKind[]): readonly NamespacedSysctl[] {
  return Object.entries(request.sysctls).map(([name, value]) => {
    const sysctl = parseNamespacedSysctl(name, value);
    if (kinds.includes(sysctl.namespace)) return sysctl;
    throw invalidArgument(
      `cannot set sysctl ${name}: the sandbox shares the host's ${sysctl.namespace} namespace; give it one of its own`,
    );
  });
}
