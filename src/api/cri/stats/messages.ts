// SPDX-License-Identifier: Apache-2.0
// Statistics as CRI's messages. What is not known is left out: the kubelet takes a 0 for a fact.

import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  CgroupStatistics,
  InterfaceStatistics,
  MemoryStatistics,
  PressureLine,
  PressureStatistics,
} from "../../../core/metrics/statistics.ts";
import type { ContainerStatistics, PodStatistics } from "../../../core/metrics/statistics-service.ts";
import type {
  ContainerStatsSchema,
  CpuUsageSchema,
  IoUsageSchema,
  LinuxPodSandboxStatsSchema,
  MemoryUsageSchema,
  NetworkInterfaceUsageSchema,
  PodSandboxStatsSchema,
  PsiDataSchema,
  PsiStatsSchema,
  SwapUsageSchema,
} from "../../../gen/runtime/v1/api_pb.js";
import type { PodContainer } from "../runtime/find.ts";
import { toNanoseconds } from "../times.ts";
import type { PodWithMembers } from "./selection.ts";

/** A container's; directory is where its writable layer lies. */
export function toContainerStats(
  record: PodContainer,
  { cgroup, cpuNanoCores, writableLayer }: ContainerStatistics,
  directory: string,
): MessageInitShape<typeof ContainerStatsSchema> {
  return {
    attributes: {
      id: record.id,
      metadata: { name: record.pod.name, attempt: record.pod.attempt },
      labels: record.config.labels,
      annotations: record.config.annotations,
    },
    ...(cgroup !== undefined && toUsage(cgroup, cpuNanoCores)),
    ...(cgroup?.memory !== undefined && { swap: toSwap(cgroup.memory, cgroup.readAt) }),
    ...(writableLayer !== undefined && {
      writableLayer: {
        timestamp: toNanoseconds(writableLayer.measuredAt),
        fsId: { mountpoint: directory },
        usedBytes: count(writableLayer.bytes),
        inodesUsed: count(writableLayer.inodes),
      },
    }),
  };
}

/** A pod's, with those of its running containers. */
export function toPodSandboxStats(
  { pod, members }: PodWithMembers,
  statistics: PodStatistics,
  directory: string,
): MessageInitShape<typeof PodSandboxStatsSchema> {
  const { metadata, labels, annotations } = pod.pod.config;
  const { cgroup, cpuNanoCores, interfaces } = statistics;
  const records = new Map<string, PodContainer>(members.map((record) => [record.id, record]));
  const containers = statistics.containers.flatMap((container) => {
    const record = records.get(container.id);
    return record === undefined ? [] : [toContainerStats(record, container, directory)];
  });
  return {
    attributes: { id: pod.id, metadata: { ...metadata }, labels, annotations },
    linux: {
      ...(cgroup !== undefined && toUsage(cgroup, cpuNanoCores)),
      ...(cgroup?.pids !== undefined && {
        process: { timestamp: toNanoseconds(cgroup.readAt), processCount: count(cgroup.pids.current) },
      }),
      ...(interfaces !== undefined && { network: toNetwork(interfaces, pod.attachments[0]?.interfaceName) }),
      containers,
    },
  };
}

type Usage = Pick<MessageInitShape<typeof LinuxPodSandboxStatsSchema>, "cpu" | "memory" | "io">;

function toUsage({ readAt, cpu, memory, pressure }: CgroupStatistics, cpuNanoCores: bigint | undefined): Usage {
  const timestamp = toNanoseconds(readAt);
  return {
    ...(cpu !== undefined && {
      cpu: {
        timestamp,
        usageCoreNanoSeconds: { value: cpu.usageNanoseconds },
        ...(cpuNanoCores !== undefined && { usageNanoCores: { value: cpuNanoCores } }),
        ...(pressure.cpu !== undefined && { psi: toPsi(pressure.cpu) }),
      } satisfies MessageInitShape<typeof CpuUsageSchema>,
    }),
    ...(memory !== undefined && { memory: toMemory(memory, timestamp, pressure.memory) }),
    ...(pressure.io !== undefined && {
      io: { timestamp, psi: toPsi(pressure.io) } satisfies MessageInitShape<typeof IoUsageSchema>,
    }),
  };
}

function toMemory(
  memory: MemoryStatistics,
  timestamp: bigint,
  pressure: PressureStatistics | undefined,
): MessageInitShape<typeof MemoryUsageSchema> {
  const { workingSetBytes, limitBytes } = memory;
  return {
    timestamp,
    workingSetBytes: count(workingSetBytes),
    ...(limitBytes !== undefined && { availableBytes: count(Math.max(0, limitBytes - workingSetBytes)) }),
    usageBytes: count(memory.usageBytes),
    rssBytes: count(memory.rssBytes),
    pageFaults: count(memory.totalPageFaults.all),
    majorPageFaults: count(memory.totalPageFaults.major),
    ...(pressure !== undefined && { psi: toPsi(pressure) }),
  };
}

/** Where the kernel does not account swap there is only the time of asking. */
function toSwap(
  { swapBytes, swapLimitBytes }: MemoryStatistics,
  readAt: number,
): MessageInitShape<typeof SwapUsageSchema> {
  const hasLimit = swapBytes !== undefined && swapLimitBytes !== undefined;
  return {
    timestamp: toNanoseconds(readAt),
    ...(swapBytes !== undefined && { swapUsageBytes: count(swapBytes) }),
    ...(hasLimit && { swapAvailableBytes: count(Math.max(0, swapLimitBytes - swapBytes)) }),
  };
}

/** The kubelet's "default interface" is the one that was attached first. */
function toNetwork(interfaces: readonly InterfaceStatistics[], defaultName = "eth0") {
  const main = interfaces.find(({ name }) => name === defaultName);
  return {
    timestamp: toNanoseconds(Date.now()),
    ...(main !== undefined && { defaultInterface: toInterface(main) }),
    interfaces: interfaces.filter((candidate) => candidate !== main).map(toInterface),
  };
}

function toInterface({
  name,
  receive,
  transmit,
}: InterfaceStatistics): MessageInitShape<typeof NetworkInterfaceUsageSchema> {
  return {
    name,
    rxBytes: count(receive.bytes),
    rxErrors: count(receive.errors),
    txBytes: count(transmit.bytes),
    txErrors: count(transmit.errors),
  };
}

function toPsi({ some, full }: PressureStatistics): MessageInitShape<typeof PsiStatsSchema> {
  return { ...(some !== undefined && { Some: toPsiData(some) }), ...(full !== undefined && { Full: toPsiData(full) }) };
}

/** CRI counts stalls in nanoseconds, the kernel in microseconds. */
function toPsiData(line: PressureLine): MessageInitShape<typeof PsiDataSchema> {
  return {
    Total: BigInt(line.totalMicroseconds) * 1000n,
    Avg10: line.average10,
    Avg60: line.average60,
    Avg300: line.average300,
  };
}

function count(value: number): { readonly value: bigint } {
  return { value: BigInt(value) };
}
