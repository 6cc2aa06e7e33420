// SPDX-License-Identifier: Apache-2.0
// What containers and pods use now, for every surface that shows it: readings of the kernel, rates between readings, and
// measures of writable layers. Nothing runs between calls but a measure that is under way.

import { messageOf } from "../../base/errors.ts";
import type { TaskGroup } from "../../base/lifetime.ts";
import type { Logger } from "../../base/log.ts";
import type { Snapshotter } from "../snapshots/snapshotter.ts";
import type { CgroupDirectories } from "../tasks/task-runtime.ts";
import { CpuRates } from "./cpu-rates.ts";
import type {
  CgroupStatistics,
  FilesystemStatistics,
  InterfaceStatistics,
  ProcessStatistics,
  StatisticsDetail,
} from "./statistics.ts";
import type { StatisticsReader } from "./statistics-reader.ts";
import { sumOf } from "./sum.ts";
import { type MeasuredUsage, WritableLayers } from "./writable-layers.ts";

export interface StatisticsDependencies {
  readonly reader: StatisticsReader;
  readonly snapshotter: Pick<Snapshotter, "usage">;
  readonly background: TaskGroup;
  readonly logger: Logger;
}

/** How much is read, and until when anybody waits. */
export interface StatisticsOptions {
  readonly detail: StatisticsDetail;
  readonly signal: AbortSignal;
}

/** What must be known of a container to find its statistics. */
export interface ContainerTarget {
  readonly id: string;
  /** Its task's; none when it does not run. */
  readonly cgroups?: CgroupDirectories;
  /** Milliseconds since 1970: when its present run began. */
  readonly startedAt: number;
  readonly snapshotKey: string;
}

/** What must be known of a pod to find its statistics. */
export interface PodTarget {
  readonly id: string;
  readonly createdAt: number;
  /** A path from the hierarchy's root, or a systemd slice; "" when the pod has no cgroup of its own. */
  readonly cgroupParent: string;
  /** Its pinned network namespace; none when it is the host's. */
  readonly network?: string;
  readonly containers: readonly ContainerTarget[];
}

/** What is not known, or gone since, is left out. */
export interface ContainerStatistics {
  readonly id: string;
  readonly cgroup?: CgroupStatistics;
  /** Nanoseconds of processor time a second, at present: 1,000,000,000 is one processor. */
  readonly cpuNanoCores?: bigint;
  readonly writableLayer?: MeasuredUsage;
  /** Only in full detail. */
  readonly processes?: ProcessStatistics;
}

/** What is not known, or gone since, is left out. */
export interface PodStatistics {
  readonly id: string;
  /** The pod's own cgroup, or without one what its containers have together. */
  readonly cgroup?: CgroupStatistics;
  readonly cpuNanoCores?: bigint;
  readonly interfaces?: readonly InterfaceStatistics[];
  /** In the order of the target. */
  readonly containers: readonly ContainerStatistics[];
}

/** The daemon has one. */
export class StatisticsService {
  readonly #reader: StatisticsReader;
  readonly #logger: Logger;
  readonly #rates = new CpuRates();
  readonly #layers: WritableLayers;

  constructor(dependencies: StatisticsDependencies) {
    this.#reader = dependencies.reader;
    this.#logger = dependencies.logger;
    this.#layers = new WritableLayers(dependencies);
  }

  /** In the order of the targets. */
  async containers(
    targets: readonly ContainerTarget[],
    options: StatisticsOptions,
  ): Promise<readonly ContainerStatistics[]> {
    const keys = targets.map(({ snapshotKey }) => snapshotKey);
    const layers = await this.#layers.usages(keys, options);
    const found: ContainerStatistics[] = [];
    for (const target of targets) {
      const writableLayer = layers.get(target.snapshotKey);
      const usage =
        target.cgroups === undefined ? {} : await this.#usage(target.id, target.startedAt, target.cgroups, options);
      const processes = options.detail === "full" ? await this.#processes(target, options) : undefined;
      found.push({
        id: target.id,
        ...usage,
        ...(writableLayer !== undefined && { writableLayer }),
        ...(processes !== undefined && { processes }),
      });
    }
    return found;
  }

  /** In the order of the targets. */
  async pods(targets: readonly PodTarget[], options: StatisticsOptions): Promise<readonly PodStatistics[]> {
    const members = await this.containers(
      targets.flatMap(({ containers }) => containers),
      options,
    );
    const byId = new Map(members.map((statistics) => [statistics.id, statistics]));
    const namespaces = targets.flatMap(({ network }) => network ?? []);
    const networks =
      (await this.#unlessBroken("networks", this.#reader.readNetworks(namespaces, options), options)) ?? new Map();
    const found: PodStatistics[] = [];
    for (const { id, createdAt, cgroupParent, network, containers } of targets) {
      const own = containers.flatMap((container) => byId.get(container.id) ?? []);
      const interfaces = network === undefined ? undefined : networks.get(network);
      const cgroups = cgroupParent === "" ? {} : this.#reader.findCgroup(cgroupParent);
      const usage = await this.#usage(id, createdAt, cgroups, options);
      found.push({
        id,
        ...(usage.cgroup === undefined ? togetherOf(own) : usage),
        ...(interfaces !== undefined && { interfaces }),
        containers: own,
      });
    }
    return found;
  }

  /** The file system that the directory lies on. */
  async filesystem(directory: string, options: { readonly signal: AbortSignal }): Promise<FilesystemStatistics> {
    return await this.#reader.readFilesystem(directory, options);
  }

  async #usage(
    id: string,
    epoch: number,
    cgroups: CgroupDirectories,
    options: StatisticsOptions,
  ): Promise<Pick<ContainerStatistics, "cgroup" | "cpuNanoCores">> {
    const cgroup = await this.#unlessBroken(id, this.#reader.readCgroup(cgroups, options), options);
    if (cgroup === undefined) return {};
    const { cpu } = cgroup;
    const cpuNanoCores = cpu === undefined ? undefined : this.#rates.observe(id, epoch, cpu.usageNanoseconds);
    return { cgroup, ...(cpuNanoCores !== undefined && { cpuNanoCores }) };
  }

  async #processes(
    { id, cgroups }: ContainerTarget,
    options: StatisticsOptions,
  ): Promise<ProcessStatistics | undefined> {
    if (cgroups === undefined) return undefined;
    return await this.#unlessBroken(id, this.#reader.readProcesses(cgroups, options), options);
  }

  /** One container whose statistics cannot be read keeps nobody from seeing the others'. */
  async #unlessBroken<T>(id: string, reading: Promise<T>, { signal }: StatisticsOptions): Promise<T | undefined> {
    try {
      return await reading;
    } catch (error) {
      signal.throwIfAborted();
      this.#logger.warn({ id, error: messageOf(error) }, "statistics cannot be read");
      return undefined;
    }
  }
}

function togetherOf(containers: readonly ContainerStatistics[]): Pick<PodStatistics, "cgroup" | "cpuNanoCores"> {
  const cgroup = sumOf(containers.flatMap((statistics) => statistics.cgroup ?? []));
  const rates = containers.flatMap(({ cpuNanoCores }) => cpuNanoCores ?? []);
  return {
    ...(cgroup !== undefined && { cgroup }),
    ...(rates.length > 0 && { cpuNanoCores: rates.reduce((sum, rate) => sum + rate) }),
  };
}
