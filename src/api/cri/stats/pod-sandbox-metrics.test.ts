// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import {
  ListMetricDescriptorsRequestSchema,
  ListMetricDescriptorsResponseSchema,
  ListPodSandboxMetricsRequestSchema,
  ListPodSandboxMetricsResponseSchema,
  type Metric,
  MetricType,
  StreamPodSandboxMetricsRequestSchema,
} from "../../../gen/runtime/v1/api_pb.js";
import { listMetricDescriptors, listPodSandboxMetrics, streamPodSandboxMetrics } from "./pod-sandbox-metrics.ts";
import { everything, podA, StatsWorld } from "./testing/stats-world.ts";

/** What the kubelet reports of pods with cAdvisor, and so expects of a runtime, without the prefix "container_". */
const expectedNames = `
  blkio_device_usage_total cpu_cfs_periods_total cpu_cfs_throttled_periods_total cpu_cfs_throttled_seconds_total
  cpu_system_seconds_total cpu_usage_seconds_total cpu_user_seconds_total file_descriptors fs_inodes_free
  fs_inodes_total fs_limit_bytes fs_reads_bytes_total fs_reads_total fs_usage_bytes fs_writes_bytes_total
  fs_writes_total hugetlb_max_usage_bytes hugetlb_usage_bytes last_seen memory_cache memory_failcnt
  memory_failures_total memory_kernel_usage memory_mapped_file memory_max_usage_bytes memory_rss memory_swap
  memory_usage_bytes memory_working_set_bytes network_receive_bytes_total network_receive_errors_total
  network_receive_packets_dropped_total network_receive_packets_total network_transmit_bytes_total
  network_transmit_errors_total network_transmit_packets_dropped_total network_transmit_packets_total oom_events_total
  pressure_cpu_stalled_seconds_total pressure_cpu_waiting_seconds_total pressure_io_stalled_seconds_total
  pressure_io_waiting_seconds_total pressure_memory_stalled_seconds_total pressure_memory_waiting_seconds_total
  processes sockets spec_cpu_period spec_cpu_quota spec_cpu_shares spec_memory_limit_bytes
  spec_memory_reservation_limit_bytes spec_memory_swap_limit_bytes start_time_seconds threads threads_max ulimits_soft
`
  .trim()
  .split(/\s+/)
  .map((name) => `container_${name}`);

/** May be without a value: what depends on the kernel, on block devices, or on a limit that was asked for. */
const optional = /_(blkio|fs_reads|fs_writes|hugetlb|pressure)_|_spec_cpu_quota$|_ulimits_soft$/;

async function descriptorsOf(world: StatsWorld) {
  const request = create(ListMetricDescriptorsRequestSchema);
  const response = await listMetricDescriptors(world.deps, request, world.options);
  return create(ListMetricDescriptorsResponseSchema, response).descriptors;
}

async function metricsOf(world: StatsWorld) {
  const request = create(ListPodSandboxMetricsRequestSchema);
  const response = await listPodSandboxMetrics(world.deps, request, world.options);
  return create(ListPodSandboxMetricsResponseSchema, response).podMetrics;
}

/** The values by name, with what the labels beside the owner's say: "name{a,b}". */
function valuesOf(metrics: readonly Metric[]): Readonly<Record<string, bigint | undefined>> {
  return Object.fromEntries(
    metrics.map(({ name, labelValues, value }) => {
      const labels = labelValues.slice(6);
      return [labels.length === 0 ? name : `${name}{${labels.join()}}`, value?.value];
    }),
  );
}

test("announces all metrics that the kubelet expects, each once, with help and labels", async () => {
  await using world = new StatsWorld();
  const descriptors = await descriptorsOf(world);
  const names = descriptors.map(({ name }) => name);
  assert.equal(expectedNames.length, 56);
  assert.deepEqual(
    expectedNames.filter((name) => !names.includes(name)),
    [],
  );
  assert.equal(new Set(names).size, names.length);
  for (const { name, help, labelKeys } of descriptors) {
    assert.match(help, /^[A-Z].*\.$/, name);
    assert.deepEqual(labelKeys.slice(0, 6), ["pod", "namespace", "container", "id", "image", "name"], name);
  }
});

test("reports what was announced, with a value for each label", async () => {
  await using world = new StatsWorld();
  await world.addPod(podA);
  await world.addContainer({ id: "c1", resources: { cpuQuota: 20_000 } });
  const announced = new Map((await descriptorsOf(world)).map(({ name, labelKeys }) => [name, labelKeys.length]));
  const [pod, ...others] = await metricsOf(world);
  assert.ok(pod);
  assert.deepEqual([pod.podSandboxId, others.length], [podA, 0]);
  const all = [...pod.metrics, ...pod.containerMetrics.flatMap(({ metrics }) => metrics)];
  for (const { name, labelValues } of all) assert.equal(labelValues.length, announced.get(name), name);
  assert.deepEqual(
    [...announced.keys()].filter((name) => !all.some((metric) => metric.name === name)),
    [],
    "this machine knows everything",
  );
});

test("values are those of cAdvisor in whole units", async () => {
  await using world = new StatsWorld();
  await world.addPod(podA);
  await world.addContainer({ id: "c1", resources: { cpuShares: 2, cpuQuota: 20_000, memoryReservationBytes: 77 } });
  const [pod] = await metricsOf(world);
  const [container] = pod?.containerMetrics ?? [];
  assert.equal(container?.containerId, "c1");
  const { container_last_seen: seen, ...values } = valuesOf(container.metrics);
  assert.ok(Math.abs(Number(seen) - Date.now() / 1000) < 60);
  assert.deepEqual(values, {
    container_cpu_usage_seconds_total: 12n,
    container_cpu_user_seconds_total: 10n,
    container_cpu_system_seconds_total: 2n,
    container_cpu_cfs_periods_total: 40n,
    container_cpu_cfs_throttled_periods_total: 7n,
    container_cpu_cfs_throttled_seconds_total: 1n,
    container_memory_usage_bytes: 1000n,
    container_memory_working_set_bytes: 800n,
    container_memory_max_usage_bytes: 2000n,
    container_memory_rss: 500n,
    container_memory_cache: 300n,
    container_memory_mapped_file: 100n,
    container_memory_total_active_file_bytes: 90n,
    container_memory_total_inactive_file_bytes: 200n,
    container_memory_kernel_usage: 70n,
    container_memory_swap: 24n,
    container_memory_failcnt: 3n,
    container_oom_events_total: 2n,
    "container_memory_failures_total{pgfault,container}": 50n,
    "container_memory_failures_total{pgmajfault,container}": 5n,
    "container_memory_failures_total{pgfault,hierarchy}": 60n,
    "container_memory_failures_total{pgmajfault,hierarchy}": 6n,
    "container_hugetlb_usage_bytes{2MB}": 2n << 20n,
    "container_hugetlb_max_usage_bytes{2MB}": 4n << 20n,
    container_pressure_cpu_waiting_seconds_total: 3n,
    container_pressure_cpu_stalled_seconds_total: 3n,
    container_pressure_memory_waiting_seconds_total: 3n,
    container_pressure_memory_stalled_seconds_total: 3n,
    container_pressure_io_waiting_seconds_total: 3n,
    container_pressure_io_stalled_seconds_total: 3n,
    "container_fs_usage_bytes{/}": 5000n,
    "container_fs_limit_bytes{/}": 1n << 30n,
    "container_fs_inodes_total{/}": 1000n,
    "container_fs_inodes_free{/}": 600n,
    "container_fs_reads_bytes_total{/dev/vda}": 10n,
    "container_fs_reads_bytes_total{/dev/sda}": 30n,
    "container_fs_reads_total{/dev/vda}": 1n,
    "container_fs_reads_total{/dev/sda}": 3n,
    "container_fs_writes_bytes_total{/dev/vda}": 20n,
    "container_fs_writes_bytes_total{/dev/sda}": 40n,
    "container_fs_writes_total{/dev/vda}": 2n,
    "container_fs_writes_total{/dev/sda}": 4n,
    "container_blkio_device_usage_total{/dev/vda,254,0,Read}": 10n,
    "container_blkio_device_usage_total{/dev/vda,254,0,Write}": 20n,
    "container_blkio_device_usage_total{/dev/sda,8,0,Read}": 30n,
    "container_blkio_device_usage_total{/dev/sda,8,0,Write}": 40n,
    container_processes: 3n,
    container_threads: 9n,
    container_threads_max: 100n,
    container_file_descriptors: 17n,
    container_sockets: 2n,
    "container_ulimits_soft{max_open_files}": 1024n,
    container_start_time_seconds: 1_650_000_000n,
    container_spec_cpu_period: 100_000n,
    container_spec_cpu_quota: 20_000n,
    container_spec_cpu_shares: 2n,
    container_spec_memory_limit_bytes: 4096n,
    container_spec_memory_reservation_limit_bytes: 77n,
    container_spec_memory_swap_limit_bytes: 4096n + 1024n,
  });
});

test("says whose a metric is, its kind, and when it was read if that was not now", async () => {
  await using world = new StatsWorld();
  await world.addPod(podA);
  await world.addContainer({ id: "c1" });
  const [pod] = await metricsOf(world);
  const find = (name: string) => pod?.containerMetrics[0]?.metrics.find((metric) => metric.name === name);
  const usage = find("container_cpu_usage_seconds_total");
  assert.deepEqual(usage?.labelValues, [`${podA}-name`, "space", "c1-name", "c1", "busybox:1", "c1"]);
  assert.deepEqual([usage?.metricType, usage?.timestamp], [MetricType.COUNTER, 0n]);
  assert.equal(find("container_memory_rss")?.metricType, MetricType.GAUGE);
  assert.ok((find("container_fs_usage_bytes")?.timestamp ?? 0n) > 0n);
  const received = pod?.metrics.find(({ name }) => name === "container_network_receive_packets_dropped_total");
  assert.deepEqual(received?.labelValues, [`${podA}-name`, "space", "POD", podA, "", podA, "eth1"]);
  assert.equal(received?.value?.value, 103n);
});

test("reports all that is not optional also where the kernel tells little", async () => {
  await using world = new StatsWorld();
  await world.addPod(podA);
  await world.addContainer({ id: "c1" });
  const { cpu, memory } = everything;
  assert.ok(cpu && memory);
  const { swapBytes: _, swapLimitBytes: __, kernelBytes: ___, peakBytes: ____, limitHits, oomKills, ...rest } = memory;
  assert.ok(limitHits !== oomKills);
  world.reader.cgroups.set("/cgroups/c1", {
    readAt: 1,
    cpu: { usageNanoseconds: 1n, userNanoseconds: 1n, systemNanoseconds: 1n },
    memory: rest,
    pids: { current: 1 },
    pressure: {},
  });
  const [pod] = await metricsOf(world);
  const reported = new Set([...(pod?.metrics ?? []), ...(pod?.containerMetrics[0]?.metrics ?? [])].map((m) => m.name));
  assert.deepEqual(
    expectedNames.filter((name) => !reported.has(name) && !optional.test(name)),
    [],
  );
});

test("a container that has just ended is left out, and pods without running ones stay", async () => {
  await using world = new StatsWorld();
  await world.addPod(podA);
  await world.addPod("e0", { status: "not-ready" });
  await world.addContainer({ id: "c1" });
  world.reader.cgroups.delete("/cgroups/c1");
  const [pod, ...others] = await metricsOf(world);
  assert.deepEqual([pod?.podSandboxId, pod?.containerMetrics, others], [podA, [], []]);
});

test("streams every pod once", async () => {
  await using world = new StatsWorld();
  const ids = Array.from({ length: 60 }, (_, index) => `f0c${index.toString().padStart(3, "0")}`);
  for (const id of ids) await world.addPod(id);
  const found: unknown[] = [];
  const request = create(StreamPodSandboxMetricsRequestSchema);
  for await (const { podSandboxMetrics: part = [] } of streamPodSandboxMetrics(world.deps, request, world.options)) {
    assert.ok(part.length > 0);
    found.push(...part.map(({ podSandboxId }) => podSandboxId));
  }
  assert.deepEqual(found, ids);
});
