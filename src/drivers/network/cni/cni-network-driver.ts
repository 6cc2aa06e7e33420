// SPDX-License-Identifier: Apache-2.0
// Networks by CNI plugins, the programs that Kubernetes' networks are made of (CNI specification 1.1).
//
// The attachment's record is written before the first plugin runs, so an ADD that was killed half-way is taken away by
// detach or collectGarbage like any other. Plugins take care of their own concurrency but for the first attachment to a
// network, which makes what all share (bridge, top chains): until one succeeded they queue.

import path from "node:path";
import { EngineError, failedPrecondition, notFound } from "../../../base/errors.ts";
import { failpoint } from "../../../base/failpoint.ts";
import { KeyedLock } from "../../../base/keyed-lock.ts";
import { cleanup } from "../../../base/lifetime.ts";
import type { Logger } from "../../../base/log.ts";
import type {
  AttachRequest,
  NetworkAttachment,
  NetworkDriver,
  NetworkInfo,
} from "../../../core/networks/network-driver.ts";
import { type AttachmentRecord, AttachmentRecords } from "./attachment-records.ts";
import type { NetworkConfiguration } from "./cni-documents.ts";
import { negotiateVersion } from "./cni-version.ts";
import { type DefaultBridge, ensureDefaultNetwork } from "./default-network.ts";
import { throwFailures } from "./failures.ts";
import { HostPorts } from "./host-ports.ts";
import { removeMasquerade } from "./masquerade.ts";
import { describeNetwork, NetworkConfigurations } from "./network-configurations.ts";
import { checkCapabilities, PluginChain } from "./plugin-chain.ts";
import { PluginRunner } from "./plugin-runner.ts";
import { attachmentOf } from "./result-attachment.ts";

export interface CniNetworkDriverDependencies {
  /** Where the *.conflist files are. */
  readonly configurationDirectory: string;
  /** Where an orchestrator's network plugins put theirs: the first of them is the pods' network. */
  readonly podConfigurationDirectory?: string;
  /** What pods are attached to without one. */
  readonly defaultNetwork: string;
  /** Searched in order. */
  readonly pluginDirectories: readonly string[];
  /** Gone after a reboot, as the namespaces are: records and host-local's leases of the default network. */
  readonly stateDirectory: string;
  readonly defaultBridge: DefaultBridge;
  readonly logger: Logger;
}

type Options = { readonly signal: AbortSignal };

/** Ready for requests; the default network is configured if nothing was. Disposing leaves all attachments as they are. */
export async function openCniNetworkDriver(dependencies: CniNetworkDriverDependencies): Promise<NetworkDriver> {
  const { configurationDirectory, stateDirectory, defaultBridge, logger } = dependencies;
  const networks = path.join(stateDirectory, "networks");
  await ensureDefaultNetwork(configurationDirectory, defaultBridge, path.join(networks, "ipam"));
  const records = await AttachmentRecords.load(path.join(networks, "results"), logger);
  return new CniNetworkDriver(dependencies, records);
}

class CniNetworkDriver implements NetworkDriver {
  readonly #configurations: NetworkConfigurations;
  readonly #podDirectory: string | undefined;
  readonly #defaultNetwork: string;
  readonly #runner: PluginRunner;
  readonly #chain: PluginChain;
  readonly #records: AttachmentRecords;
  readonly #ports: HostPorts;
  readonly #locks = new KeyedLock();
  /** Networks, with and without ports, of which one attachment succeeded in this process. */
  readonly #prepared = new Set<string>();
  readonly #logger: Logger;

  constructor(dependencies: CniNetworkDriverDependencies, records: AttachmentRecords) {
    const { configurationDirectory, podConfigurationDirectory } = dependencies;
    const directories = [configurationDirectory, podConfigurationDirectory].filter((name) => name !== undefined);
    this.#configurations = new NetworkConfigurations(directories, dependencies.logger);
    this.#podDirectory = podConfigurationDirectory;
    this.#defaultNetwork = dependencies.defaultNetwork;
    this.#runner = new PluginRunner(dependencies.pluginDirectories);
    this.#chain = new PluginChain(this.#runner);
    this.#records = records;
    this.#ports = new HostPorts(() => records.ports());
    this.#logger = dependencies.logger;
  }

  async list(): Promise<readonly NetworkInfo[]> {
    return (await this.#configurations.list()).map(describeNetwork);
  }

  async podNetwork(): Promise<string> {
    const first = this.#podDirectory === undefined ? undefined : await this.#configurations.first(this.#podDirectory);
    return first?.name ?? this.#defaultNetwork;
  }

  async status(network: string, options: Options): Promise<void> {
    const configuration = await this.#configurations.get(network);
    try {
      const cniVersion = await this.#negotiate(configuration, options);
      await this.#chain.forNetwork("STATUS", { configuration, cniVersion }, {}, options);
    } catch (error) {
      options.signal.throwIfAborted();
      if (!(error instanceof EngineError)) throw error;
      throw new EngineError("unavailable", error.message, { cause: error });
    }
  }

  async attach(request: AttachRequest, options: Options): Promise<NetworkAttachment> {
    const configuration = await this.#configurations.get(request.network);
    checkCapabilities({ request, configuration });
    const cniVersion = await this.#negotiate(configuration, options);
    using _sandbox = await this.#locks.acquire(request.sandboxId, options);
    const existing = this.#records.find(request.sandboxId, request.network);
    if (existing?.result !== undefined) {
      throw failedPrecondition(`sandbox ${request.sandboxId} is attached to network ${request.network} already`);
    }
    if (existing !== undefined) await this.#remove(existing, options);
    using reservation = await this.#ports.reserve(request.ports, options);
    const intent: AttachmentRecord = {
      request: { ...request, ports: reservation.ports },
      configuration,
      cniVersion,
    };
    await this.#records.put(intent);
    try {
      await failpoint("network/cni/intent");
      const result = await this.#add(intent, options);
      await failpoint("network/cni/added");
      const record = { ...intent, result };
      const attachment = attachmentOf(record);
      await this.#records.put(record);
      return attachment;
    } catch (error) {
      await this.#undo(intent);
      throw error;
    }
  }

  async detach(sandboxId: string, network: string, options: Options): Promise<void> {
    using _sandbox = await this.#locks.acquire(sandboxId, options);
    const record = this.#records.find(sandboxId, network);
    if (record === undefined) await this.#forgetLost(sandboxId, network, options);
    else await this.#remove(record, options);
  }

  /**
   * Of an attachment that may have been made in an earlier boot: the record went with that, and so did whatever the
   * kernel had, but plugins may keep more, such as the lease of an address. They are told by the present configuration;
   * what they cannot do then is for the log, for there is nothing left that would let another try succeed.
   */
  async #forgetLost(sandboxId: string, network: string, options: Options): Promise<void> {
    const configuration = (await this.#configurations.list()).find(({ name }) => name === network);
    if (configuration === undefined) return;
    const request = {
      sandboxId,
      network,
      namespacePath: "",
      interfaceName: "eth0",
      hostname: "",
      aliases: [],
      ports: [],
    };
    try {
      const cniVersion = await this.#negotiate(configuration, options);
      await this.#chain.del({ request, configuration, cniVersion }, options);
    } catch (error) {
      options.signal.throwIfAborted();
      this.#logger.warn({ sandboxId, network, error }, "plugins could not be told of a sandbox without an attachment");
    }
  }

  async check(sandboxId: string, network: string, options: Options): Promise<void> {
    using _sandbox = await this.#locks.acquire(sandboxId, options);
    const record = this.#records.find(sandboxId, network);
    if (record === undefined) throw notFound("network", `${network} of sandbox ${sandboxId}`);
    await this.#chain.check(record, options);
  }

  /** Goes on after a failure; the first one is thrown at the end, and what failed is tried again the next time. */
  async collectGarbage(sandboxIds: ReadonlySet<string>, options: Options): Promise<void> {
    const failures: unknown[] = [];
    for (const { request } of this.#records.all()) {
      if (sandboxIds.has(request.sandboxId)) continue;
      try {
        await this.detach(request.sandboxId, request.network, options);
      } catch (error) {
        options.signal.throwIfAborted();
        failures.push(error);
      }
    }
    for (const configuration of await this.#configurations.list()) {
      try {
        await this.#collectOfPlugins(configuration, options);
      } catch (error) {
        options.signal.throwIfAborted();
        // What plugins keep beyond our attachments is theirs, and a network may be configured before its plugins are there.
        this.#logger.warn({ network: configuration.name, error }, "the network's plugins could not collect garbage");
      }
    }
    throwFailures(failures);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Attachments outlive the daemon, and everything else ends with its call.
  }

  async #collectOfPlugins(configuration: NetworkConfiguration, options: Options): Promise<void> {
    if (configuration.disableGC) return;
    const cniVersion = await this.#negotiate(configuration, options);
    const valid = this.#records
      .all()
      .filter(({ request }) => request.network === configuration.name)
      .map(({ request }) => ({ containerID: request.sandboxId, ifname: request.interfaceName }));
    const attachments = { "cni.dev/valid-attachments": valid, "cni.dev/attachments": valid };
    await this.#chain.forNetwork("GC", { configuration, cniVersion }, attachments, options);
  }

  async #add(record: AttachmentRecord, options: Options) {
    const { network, ports } = record.request;
    const key = ports.length > 0 ? `network ${network} with ports` : `network ${network}`;
    if (this.#prepared.has(key)) return await this.#chain.add(record, options);
    using _first = await this.#locks.acquire(`network ${network}`, options);
    const result = await this.#chain.add(record, options);
    this.#prepared.add(key);
    return result;
  }

  /** What cannot be taken away now keeps its record, for detach or the next collectGarbage. */
  async #undo(record: AttachmentRecord): Promise<void> {
    const { sandboxId, network } = record.request;
    try {
      await cleanup((signal) => this.#remove(record, { signal }));
    } catch (error) {
      this.#logger.warn({ sandboxId, network, error }, "a failed network attachment could not be undone yet");
    }
  }

  async #remove(record: AttachmentRecord, options: Options): Promise<void> {
    await this.#chain.del(record, options);
    await removeMasquerade(record, options);
    await this.#records.remove(record);
  }

  async #negotiate(configuration: NetworkConfiguration, options: Options): Promise<string> {
    const ipams = configuration.plugins.map(({ ipam }) => ipam?.["type"]);
    const types = [...configuration.plugins.map(({ type }) => type), ...ipams];
    const supported = new Map<string, readonly string[]>();
    for (const type of types) {
      if (typeof type === "string" && type !== "") supported.set(type, await this.#runner.versions(type, options));
    }
    return negotiateVersion(configuration, supported);
  }
}
