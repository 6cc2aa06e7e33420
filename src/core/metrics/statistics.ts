// SPDX-License-Identifier: Apache-2.0
// What containers and sandboxes use, as plain numbers: the one model behind CRI's statistics and metrics, berth stats
// and Docker's stats. Counters count from the making of the cgroup or the interface; a value that this machine cannot
// tell is undefined, never 0. Nanoseconds of processors are bigints, for many processors outgrow a double in weeks.

/** A cgroup, with all that is below it. */
export interface CgroupStatistics {
  /** Milliseconds since 1970. */
  readonly readAt: number;
  readonly cpu?: CpuStatistics;
  readonly memory?: MemoryStatistics;
  readonly pids?: PidsStatistics;
  readonly pressure: {
    readonly cpu?: PressureStatistics;
    readonly memory?: PressureStatistics;
    readonly io?: PressureStatistics;
  };
  /** Block devices that it touched. Only in full detail, as all below. */
  readonly devices?: readonly DeviceStatistics[];
  readonly hugepages?: readonly HugepageStatistics[];
}

/** How much of it is read: what is asked all the time, or all there is. */
export type StatisticsDetail = "usage" | "full";

export interface CpuStatistics {
  /** CPU time of all processors together. */
  readonly usageNanoseconds: bigint;
  /** Only in full detail, as all below. */
  readonly userNanoseconds?: bigint;
  readonly systemNanoseconds?: bigint;
  readonly throttling?: ThrottlingStatistics;
}

/** What the CPU quota did. */
export interface ThrottlingStatistics {
  readonly periods: number;
  readonly throttledPeriods: number;
  readonly throttledNanoseconds: bigint;
}

export interface MemoryStatistics {
  /** Everything that is accounted, cached files included. */
  readonly usageBytes: number;
  /** usageBytes without the file pages that the kernel would drop first. */
  readonly workingSetBytes: number;
  /** Anonymous memory. */
  readonly rssBytes: number;
  readonly cacheBytes: number;
  readonly mappedFileBytes: number;
  readonly activeFileBytes: number;
  readonly inactiveFileBytes: number;
  /** Of the cgroup alone, and with those below it. */
  readonly pageFaults: FaultStatistics;
  readonly totalPageFaults: FaultStatistics;
  /** undefined is no limit. */
  readonly limitBytes?: number;
  /** undefined where the kernel does not account swap. */
  readonly swapBytes?: number;
  /** Of swap alone; undefined is no limit. */
  readonly swapLimitBytes?: number;
  /** Only in full detail, as all below. */
  readonly kernelBytes?: number;
  /** The highest usageBytes there was. */
  readonly peakBytes?: number;
  /** How often the limit was hit. */
  readonly limitHits?: number;
  /** Processes that the kernel killed for want of memory. */
  readonly oomKills?: number;
}

/** major had to read from disk; all counts both kinds. */
export interface FaultStatistics {
  readonly all: number;
  readonly major: number;
}

/** Tasks of the kernel: each thread counts. */
export interface PidsStatistics {
  readonly current: number;
  /** Only in full detail; undefined is no limit. */
  readonly limit?: number;
}

/** Pressure stall information. some: at least one task waited; full: all of them did. */
export interface PressureStatistics {
  readonly some?: PressureLine;
  readonly full?: PressureLine;
}

/** Averages over 10, 60 and 300 seconds are percent of the time. */
export interface PressureLine {
  readonly totalMicroseconds: number;
  readonly average10: number;
  readonly average60: number;
  readonly average300: number;
}

export interface DeviceStatistics {
  readonly major: number;
  readonly minor: number;
  /** "/dev/vda", or "8:0" for one that has no name here. */
  readonly device: string;
  readonly readBytes: number;
  readonly writtenBytes: number;
  /** Finished requests. */
  readonly reads: number;
  readonly writes: number;
}

export interface HugepageStatistics {
  /** As the kernel names it: "2MB", "1GB". */
  readonly pageSize: string;
  readonly usageBytes: number;
  /** cgroup version 1 only. */
  readonly peakBytes?: number;
}

/** The processes of a cgroup, looked at one by one. */
export interface ProcessStatistics {
  readonly processes: number;
  readonly fileDescriptors: number;
  /** Those file descriptors that are sockets. */
  readonly sockets: number;
  /** The soft limit of open files of its first process; undefined is no limit. */
  readonly openFilesLimit?: number;
}

export interface InterfaceStatistics {
  readonly name: string;
  readonly receive: TrafficStatistics;
  readonly transmit: TrafficStatistics;
}

export interface TrafficStatistics {
  readonly bytes: number;
  readonly packets: number;
  readonly errors: number;
  readonly dropped: number;
}

/** A file system as a whole. */
export interface FilesystemStatistics {
  readonly totalBytes: number;
  readonly totalInodes: number;
  readonly freeInodes: number;
}
