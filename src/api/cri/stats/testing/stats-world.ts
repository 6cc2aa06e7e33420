// SPDX-License-Identifier: Apache-2.0
// Pods and containers on a machine that says what a test wants: records as the store has them, and a reader of numbers
// that nobody counted.

import { deadlineSignal, TaskGroup } from "../../../../base/lifetime.ts";
import { silentLogger } from "../../../../base/log.ts";
import { type ContainerRecord, containerTable } from "../../../../core/containers/container.ts";
import { ContainerRegistry } from "../../../../core/containers/container-registry.ts";
import type { CgroupStatistics, InterfaceStatistics, ProcessStatistics } from "../../../../core/metrics/statistics.ts";
import type { StatisticsReader } from "../../../../core/metrics/statistics-reader.ts";
import { StatisticsService } from "../../../../core/metrics/statistics-service.ts";
import { type SandboxRecord, sandboxTable } from "../../../../core/sandboxes/sandbox.ts";
import { SandboxService } from "../../../../core/sandboxes/sandbox-service.ts";
import { openMemoryStore } from "../../../../storage/memory/memory-store.ts";
import type { StatsDependencies } from "../dependencies.ts";

const line = { totalMicroseconds: 3_500_000, average10: 1.5, average60: 0.5, average300: 0.25 };

/** Ids as they are: hexadecimal, and with a beginning of their own. */
export const podA = "f0a1";
export const podB = "f0b1";

/** Everything that a kernel may tell. */
export const everything: CgroupStatistics = {
  readAt: 1_700_000_000_123,
  cpu: {
    usageNanoseconds: 12_345_678_901n,
    userNanoseconds: 10_000_000_000n,
    systemNanoseconds: 2_345_678_901n,
    throttling: { periods: 40, throttledPeriods: 7, throttledNanoseconds: 1_999_999_999n },
  },
  memory: {
    usageBytes: 1000,
    workingSetBytes: 800,
    rssBytes: 500,
    cacheBytes: 300,
    mappedFileBytes: 100,
    activeFileBytes: 90,
    inactiveFileBytes: 200,
    pageFaults: { all: 50, major: 5 },
    totalPageFaults: { all: 60, major: 6 },
    limitBytes: 4096,
    swapBytes: 24,
    swapLimitBytes: 1024,
    kernelBytes: 70,
    peakBytes: 2000,
    limitHits: 3,
    oomKills: 2,
  },
  pids: { current: 9, limit: 100 },
  pressure: { cpu: { some: line, full: line }, memory: { some: line, full: line }, io: { some: line, full: line } },
  devices: [
    { major: 254, minor: 0, device: "/dev/vda", readBytes: 10, writtenBytes: 20, reads: 1, writes: 2 },
    { major: 8, minor: 0, device: "/dev/sda", readBytes: 30, writtenBytes: 40, reads: 3, writes: 4 },
  ],
  hugepages: [{ pageSize: "2MB", usageBytes: 2 << 20, peakBytes: 4 << 20 }],
};

const traffic = (start: number) => ({ bytes: start, packets: start + 1, errors: start + 2, dropped: start + 3 });

/** Reads what was put there. */
export class FakeReader implements StatisticsReader {
  /** By the first of a cgroup's directories. */
  readonly cgroups = new Map<string, CgroupStatistics | Error>();
  readonly processes = new Map<string, ProcessStatistics>();
  readonly networks = new Map<string, readonly InterfaceStatistics[]>();
  reads = 0;

  async readCgroup(cgroups: Readonly<Record<string, string>>): Promise<CgroupStatistics | undefined> {
    this.reads++;
    const found = this.cgroups.get(Object.values(cgroups)[0] ?? "");
    if (found instanceof Error) throw found;
    return found;
  }

  findCgroup(cgroupParent: string): Readonly<Record<string, string>> {
    return { "": cgroupParent };
  }

  async readProcesses(cgroups: Readonly<Record<string, string>>): Promise<ProcessStatistics | undefined> {
    return this.processes.get(Object.values(cgroups)[0] ?? "");
  }

  async readNetworks(paths: readonly string[]): Promise<ReadonlyMap<string, readonly InterfaceStatistics[]>> {
    return new Map(Array.from(this.networks).filter(([path]) => paths.includes(path)));
  }

  async readFilesystem() {
    return { totalBytes: 1 << 30, totalInodes: 1000, freeInodes: 600 };
  }
}

export interface NewContainer {
  readonly id: string;
  readonly sandboxId?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly running?: boolean;
  readonly pod?: boolean;
  readonly resources?: ContainerRecord["config"]["resources"];
}

/** Owned by the test. */
export class StatsWorld implements AsyncDisposable {
  readonly reader = new FakeReader();
  readonly store = openMemoryStore();
  readonly running = new Map<ContainerRecord["id"], { readonly task: { readonly cgroups: Record<string, string> } }>();
  /** Bytes of writable layers by their snapshots; one that is not here cannot be measured. */
  readonly layers = new Map<string, number>();
  readonly options = { signal: deadlineSignal(10_000, "the test") };
  readonly deps: StatsDependencies;
  #created = 0;
  readonly #background = new TaskGroup(() => {});

  constructor() {
    const usage = async (key: string) => {
      const bytes = this.layers.get(key);
      if (bytes === undefined) throw new Error("it cannot be measured");
      return { bytes, inodes: 4 };
    };
    this.deps = {
      registry: new ContainerRegistry({ store: this.store }),
      // Nothing is started or stopped here: the records are all that is asked.
      sandboxes: new SandboxService({ store: this.store } as ConstructorParameters<typeof SandboxService>[0]),
      running: this.running,
      snapshotter: { root: "/var/lib/berth/snapshots" },
      statistics: new StatisticsService({
        reader: this.reader,
        snapshotter: { usage },
        background: this.#background,
        logger: silentLogger,
      }),
    };
  }

  /** A ready pod named after its id, with two interfaces. */
  async addPod(
    id: string,
    changes: Partial<SandboxRecord["pod"] & { status: SandboxRecord["status"] }> = {},
  ): Promise<void> {
    const { status = "ready", ...pod } = changes;
    const network = `/run/berth/namespaces/${id}/net`;
    const config = {
      metadata: { name: `${id}-name`, uid: `${id}-uid`, namespace: "space", attempt: 2 },
      labels: { app: id },
      annotations: { note: "of a pod" },
    };
    const record = {
      id,
      status,
      createdAt: 1_600_000_000_000,
      namespaces: { network },
      attachments: [{ interfaceName: "eth0" }],
      pod: { config, phase: "started", cgroupParent: `/pods/${id}`, ...pod },
    } as unknown as SandboxRecord;
    await this.store.transaction((transaction) => transaction.put(sandboxTable, id, record));
    this.reader.cgroups.set(`/pods/${id}`, everything);
    this.reader.networks.set(network, [
      { name: "eth1", receive: traffic(100), transmit: traffic(200) },
      { name: "eth0", receive: traffic(300), transmit: traffic(400) },
    ]);
  }

  /** A running container of a pod, named after its id. */
  async addContainer({
    id,
    sandboxId = podA,
    labels = {},
    running = true,
    pod = true,
    resources = {},
  }: NewContainer): Promise<void> {
    const record = {
      id,
      sandboxId,
      name: id,
      createdAt: ++this.#created,
      snapshotKey: `layer-${id}`,
      ...(pod && { pod: { name: `${id}-name`, attempt: 1 } }),
      config: { image: "busybox:1", labels, annotations: { note: "of a container" }, resources },
      labels: { ...labels, "from.the": "image" },
      state: { startedAt: 1_650_000_000_999 },
    } as unknown as ContainerRecord;
    await this.store.transaction((transaction) => transaction.put(containerTable, id, record));
    this.layers.set(record.snapshotKey, 5000);
    if (!running) return;
    this.running.set(record.id, { task: { cgroups: { "": `/cgroups/${id}` } } });
    this.reader.cgroups.set(`/cgroups/${id}`, everything);
    this.reader.processes.set(`/cgroups/${id}`, {
      processes: 3,
      fileDescriptors: 17,
      sockets: 2,
      openFilesLimit: 1024,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#background[Symbol.asyncDispose]();
  }
}
