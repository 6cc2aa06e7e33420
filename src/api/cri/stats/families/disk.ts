// SPDX-License-Identifier: Apache-2.0

import type { DeviceStatistics, FilesystemStatistics } from "../../../../core/metrics/statistics.ts";
import type { MetricFamily } from "../metric-family.ts";
import type { ContainerFamilies, ContainerSource } from "./container-source.ts";

/** Counts by the block device. */
function byDevice(
  name: string,
  help: string,
  pick: (device: DeviceStatistics) => number,
): MetricFamily<ContainerSource> {
  return {
    name,
    help,
    type: "counter",
    labels: ["device"],
    values: ({ cgroup }) => (cgroup.devices ?? []).map((device) => ({ value: pick(device), labels: [device.device] })),
  };
}

/** Of the file system that has the root file system's writable layer, which is "/" to the container. */
function ofFilesystem(
  name: string,
  help: string,
  pick: (filesystem: FilesystemStatistics) => number,
): MetricFamily<ContainerSource> {
  return {
    name,
    help,
    type: "gauge",
    labels: ["device"],
    values: ({ filesystem }) => [{ value: pick(filesystem), labels: ["/"] }],
  };
}

export const diskFamilies: ContainerFamilies = [
  {
    name: "container_fs_usage_bytes",
    help: "Bytes that the container has written to its root file system.",
    type: "gauge",
    labels: ["device"],
    values: ({ writableLayer }) =>
      writableLayer === undefined
        ? []
        : [{ value: writableLayer.bytes, labels: ["/"], measuredAt: writableLayer.measuredAt }],
  },
  ofFilesystem(
    "container_fs_limit_bytes",
    "Size in bytes of the file system below the container's root file system.",
    ({ totalBytes }) => totalBytes,
  ),
  ofFilesystem(
    "container_fs_inodes_total",
    "Inodes of the file system below the container's root file system.",
    ({ totalInodes }) => totalInodes,
  ),
  ofFilesystem(
    "container_fs_inodes_free",
    "Free inodes of the file system below the container's root file system.",
    ({ freeInodes }) => freeInodes,
  ),
  byDevice("container_fs_reads_bytes_total", "Bytes read from the device.", ({ readBytes }) => readBytes),
  byDevice("container_fs_reads_total", "Finished reads from the device.", ({ reads }) => reads),
  byDevice("container_fs_writes_bytes_total", "Bytes written to the device.", ({ writtenBytes }) => writtenBytes),
  byDevice("container_fs_writes_total", "Finished writes to the device.", ({ writes }) => writes),
  {
    name: "container_blkio_device_usage_total",
    help: "Bytes read from and written to the device.",
    type: "counter",
    labels: ["device", "major", "minor", "operation"],
    values: ({ cgroup }) =>
      (cgroup.devices ?? []).flatMap(({ device, major, minor, readBytes, writtenBytes }) => [
        { value: readBytes, labels: [device, `${major}`, `${minor}`, "Read"] },
        { value: writtenBytes, labels: [device, `${major}`, `${minor}`, "Write"] },
      ]),
  },
];
