// SPDX-License-Identifier: Apache-2.0
// Makes sandboxes ready and takes them down: namespaces, networks and the files that go with them.
//
// What is about to be made is written down first, so that a daemon that dies half-way knows what to undo. stop finishes
// whatever has died meanwhile and may be called again.

import { EngineError, messageOf, notFound } from "../../base/errors.ts";
import type { SandboxId } from "../../base/ids.ts";
import { cleanup } from "../../base/lifetime.ts";
import type { Logger } from "../../base/log.ts";
import type { Store } from "../../storage/store.ts";
import type { NetworkAttachment, NetworkDriver, PortMapping } from "../networks/network-driver.ts";
import type { NetworkFilePaths, NetworkFiles } from "../networks/network-files.ts";
import { type Pod, podKey, podNameTable } from "./pod.ts";
import { type PodRecord, type SandboxRecord, sandboxTable } from "./sandbox.ts";
import type { Sandboxer, SandboxNamespaces } from "./sandboxer.ts";

/** Where a namespace comes from: its own, the host's, or another sandbox's. */
export type NamespaceSource = "own" | "host" | { readonly sandboxId: SandboxId };

export interface SandboxStart {
  readonly id: SandboxId;
  readonly hostname: string;
  readonly domainname?: string;
  readonly network: NamespaceSource;
  /** Networks to attach to, in order; only with a network namespace of its own. */
  readonly networks: readonly { readonly name: string; readonly aliases: readonly string[] }[];
  readonly ports: readonly PortMapping[];
  readonly ipc: NamespaceSource;
  readonly uts: NamespaceSource;
  readonly extraHosts: readonly string[];
  readonly dns: readonly string[];
  readonly dnsSearch: readonly string[];
  readonly dnsOptions: readonly string[];
  /** Of its own namespaces. */
  readonly sysctls: Readonly<Record<string, string>>;
  /** What network plugins are told of the pod (CNI_ARGS). */
  readonly networkArguments?: Readonly<Record<string, string>>;
  /** Makes the sandbox a pod, whose name is taken with the first record of it. */
  readonly pod?: Pod;
}

export interface ReadySandbox {
  readonly record: SandboxRecord;
  readonly files: NetworkFilePaths;
}

/** Starts and stops sandboxes: namespaces, network and files, each step undone when a later one fails. */
export class SandboxService {
  readonly #store: Store;
  readonly #sandboxer: Sandboxer;
  readonly #networks: NetworkDriver;
  readonly #files: NetworkFiles;
  readonly #bootId: string;
  readonly #logger: Logger;

  constructor(deps: {
    readonly store: Store;
    readonly sandboxer: Sandboxer;
    readonly networks: NetworkDriver;
    readonly files: NetworkFiles;
    /** Of this boot (random(4)). */
    readonly bootId: string;
    readonly logger: Logger;
  }) {
    this.#store = deps.store;
    this.#sandboxer = deps.sandboxer;
    this.#networks = deps.networks;
    this.#files = deps.files;
    this.#bootId = deps.bootId;
    this.#logger = deps.logger;
  }

  find(id: SandboxId): SandboxRecord | undefined {
    return this.#store.find(sandboxTable, id);
  }

  get(id: SandboxId): SandboxRecord {
    const record = this.find(id);
    if (record === undefined) throw notFound("sandbox", id);
    return record;
  }

  list(): SandboxRecord[] {
    return Array.from(this.#store.entries(sandboxTable), ([, record]) => record);
  }

  /** Makes the sandbox ready; leaves nothing when it fails, but see takeBack. */
  async start(request: SandboxStart, { signal }: { readonly signal: AbortSignal }): Promise<ReadySandbox> {
    // What an earlier stop could not finish.
    if (this.find(request.id) !== undefined) await this.stop(request.id);
    const attaches = request.network === "own" ? request.networks : [];
    let record: SandboxRecord = {
      id: request.id,
      status: "not-ready",
      createdAt: Date.now(),
      hostname: request.hostname,
      namespaces: {},
      networks: attaches.map((network) => network.name),
      attachments: [],
      bootId: this.#bootId,
      ...(request.pod !== undefined && { pod: request.pod }),
    };
    await this.#insert(record);
    try {
      const namespaces = await this.#namespaces(request, signal);
      const attachments: NetworkAttachment[] = [];
      for (const [index, network] of attaches.entries()) {
        attachments.push(await this.#attach(request, namespaces, { ...network, index }, signal));
      }
      const files = await this.#files.write(
        {
          sandboxId: request.id,
          hostname: request.hostname,
          ...(request.domainname !== undefined && { domainname: request.domainname }),
          attachments,
          hostNetwork: request.network === "host",
          extraHosts: request.extraHosts,
          dns: request.dns,
          dnsSearch: request.dnsSearch,
          dnsOptions: request.dnsOptions,
        },
        { signal },
      );
      record = { ...record, status: "ready", namespaces, attachments };
      await this.#put(record);
      return { record, files };
    } catch (error) {
      await this.takeBack(request.id);
      throw error;
    }
  }

  /**
   * As stop, of what could not be made. A pod that cannot be taken down wholly now, as when a network plugin cannot say
   * goodbye to its server, is there to be seen, not ready: whoever asked for it removes it.
   */
  async takeBack(id: SandboxId): Promise<void> {
    try {
      await this.stop(id);
    } catch (error) {
      this.#logger.error({ sandboxId: id, err: error }, "a sandbox that could not start could not be taken down");
      if (this.find(id)?.pod === undefined) return;
      await this.update(id, { status: "not-ready" });
      await this.updatePod(id, { phase: "started" });
    }
  }

  /** Takes down all that belongs to the sandbox; its record, and its name if it is a pod, go last. Succeeds when there is nothing. */
  async stop(id: SandboxId): Promise<void> {
    await this.#takeDown(id);
    await this.#store.transaction((transaction) => {
      const record = transaction.find(sandboxTable, id);
      if (record === undefined) return;
      transaction.remove(sandboxTable, id);
      if (record.pod === undefined) return;
      const key = podKey(record.pod.config.metadata);
      if (transaction.find(podNameTable, key) === id) transaction.remove(podNameTable, key);
    });
  }

  /** Takes down a pod and keeps its record, which says that it is not ready from the beginning of this on. */
  async stopPod(id: SandboxId): Promise<void> {
    await this.update(id, { status: "not-ready" });
    await this.#takeDown(id);
    await this.update(id, { namespaces: {}, networks: [], attachments: [] });
  }

  /** not-found when it has been removed meanwhile. */
  async update(id: SandboxId, change: Partial<Omit<SandboxRecord, "id" | "pod">>): Promise<SandboxRecord> {
    return await this.#store.transaction((transaction) => {
      const record = transaction.find(sandboxTable, id);
      if (record === undefined) throw notFound("sandbox", id);
      const updated = { ...record, ...change };
      transaction.put(sandboxTable, id, updated);
      return updated;
    });
  }

  /** not-found when it has been removed meanwhile, or was never a pod. */
  async updatePod(id: SandboxId, change: Partial<Pod>): Promise<PodRecord> {
    return await this.#store.transaction((transaction) => {
      const record = transaction.find(sandboxTable, id);
      if (record?.pod === undefined) throw notFound("sandbox", id);
      const updated = { ...record, pod: { ...record.pod, ...change } };
      transaction.put(sandboxTable, id, updated);
      return updated;
    });
  }

  async #takeDown(id: SandboxId): Promise<void> {
    const record = this.find(id);
    const failures: unknown[] = [];
    const step = async (work: (signal: AbortSignal) => Promise<void>) => {
      try {
        await cleanup(work);
      } catch (error) {
        failures.push(error);
      }
    };
    for (const network of record?.networks.toReversed() ?? []) {
      await step(async (signal) => await this.#networks.detach(id, network, { signal }));
    }
    await step(async () => await this.#sandboxer.remove(id));
    await step(async () => await this.#files.remove(id));
    if (failures.length > 0) {
      throw new EngineError("internal", `take down sandbox ${id}: ${failures.map(messageOf).join("; ")}`, {
        cause: failures[0],
      });
    }
  }

  /**
   * Takes down every sandbox that nobody keeps, also those that only the kernel or a driver still knows. The record of a
   * pod that had been made stays.
   */
  async recover(keep: ReadonlySet<string>, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    const known = new Set([...this.list().map((record) => record.id), ...(await this.#sandboxer.list())]);
    for (const name of known) {
      if (keep.has(name)) continue;
      const id = name as SandboxId;
      const pod = this.find(id)?.pod;
      try {
        if (pod?.phase === "started") await this.stopPod(id);
        else await this.takeBack(id);
      } catch (error) {
        this.#logger.error(
          { sandboxId: id, err: error },
          "a sandbox left by an earlier daemon could not be taken down",
        );
      }
    }
    try {
      await this.#networks.collectGarbage(keep, { signal });
    } catch (error) {
      signal.throwIfAborted();
      // A network plugin may need what only runs once this daemon does.
      this.#logger.error({ err: error }, "what earlier daemons attached to networks could not be taken away yet");
    }
  }

  /** Whether what this boot's start of the sandbox pinned is still there. */
  async isWhole(record: SandboxRecord): Promise<boolean> {
    return record.bootId === this.#bootId && (await this.#sandboxer.isWhole(record.id, record.namespaces));
  }

  /** Where the files of a ready sandbox are. */
  filePaths(id: SandboxId): NetworkFilePaths {
    return this.#files.paths(id);
  }

  /** already-exists when the name of a pod is another's. */
  async #insert(record: SandboxRecord): Promise<void> {
    await this.#store.transaction((transaction) => {
      if (record.pod !== undefined) {
        const key = podKey(record.pod.config.metadata);
        const owner = transaction.find(podNameTable, key);
        if (owner !== undefined) throw podNameInUse(key, owner);
        transaction.put(podNameTable, key, record.id);
      }
      transaction.put(sandboxTable, record.id, record);
    });
  }

  async #put(record: SandboxRecord): Promise<void> {
    await this.#store.transaction((transaction) => transaction.put(sandboxTable, record.id, record));
  }

  async #namespaces(request: SandboxStart, signal: AbortSignal): Promise<SandboxNamespaces> {
    const own = await this.#sandboxer.create(
      {
        id: request.id,
        hostname: request.hostname,
        ...(request.domainname !== undefined && { domainname: request.domainname }),
        network: request.network === "own" ? "private" : "host",
        ipc: request.ipc === "own" ? "private" : "host",
        uts: request.uts === "own" ? "private" : "host",
        sysctls: request.sysctls,
        ...(request.pod?.config.userNamespace !== undefined && { userNamespace: request.pod.config.userNamespace }),
      },
      { signal },
    );
    const pick = (kind: keyof SandboxNamespaces, source: NamespaceSource) =>
      typeof source === "object" ? this.get(source.sandboxId).namespaces[kind] : own[kind];
    const network = pick("network", request.network);
    const ipc = pick("ipc", request.ipc);
    const uts = pick("uts", request.uts);
    return {
      ...(own.user !== undefined && { user: own.user }),
      ...(network !== undefined && { network }),
      ...(ipc !== undefined && { ipc }),
      ...(uts !== undefined && { uts }),
    };
  }

  async #attach(
    request: SandboxStart,
    namespaces: SandboxNamespaces,
    network: { readonly name: string; readonly aliases: readonly string[]; readonly index: number },
    signal: AbortSignal,
  ): Promise<NetworkAttachment> {
    if (namespaces.network === undefined)
      throw new EngineError("internal", `sandbox ${request.id} has no network namespace`);
    return await this.#networks.attach(
      {
        sandboxId: request.id,
        network: network.name,
        namespacePath: namespaces.network,
        interfaceName: `eth${network.index}`,
        hostname: request.hostname,
        aliases: network.aliases,
        ports: network.index === 0 ? request.ports : [],
        ...(request.networkArguments !== undefined && { arguments: request.networkArguments }),
      },
      { signal },
    );
  }
}

function podNameInUse(key: string, owner: SandboxId): EngineError {
  return new EngineError(
    "already-exists",
    `the pod ${key} is there already as sandbox ${owner}: remove that one first, or ask with another attempt`,
    { details: { kind: "sandbox", id: owner } },
  );
}
