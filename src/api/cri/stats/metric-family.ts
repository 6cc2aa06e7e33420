// SPDX-License-Identifier: Apache-2.0
// Metrics by their families: a name, what it says, its labels, and how its values come of the statistics. What is
// announced and what is reported are made of the same table, so that names and numbers of labels always match. Names,
// labels and units are those of cAdvisor, which dashboards know; values are whole numbers, as CRI has them.

import type { MessageInitShape } from "@bufbuild/protobuf";
import { assert } from "../../../base/errors.ts";
import type { MetricDescriptorSchema, MetricSchema } from "../../../gen/runtime/v1/api_pb.js";
import { MetricType } from "../../../gen/runtime/v1/api_pb.js";
import { toNanoseconds } from "../times.ts";

/** Labels that every metric has: whose it is. id and name are the same, the container's or the pod's id. */
const ownerLabels = ["pod", "namespace", "container", "id", "image", "name"] as const;

/** Whom the values of a family are about. */
export type Owner = Readonly<Record<(typeof ownerLabels)[number], string>>;

/** One value of a family. */
export interface Value {
  readonly value: bigint | number;
  /** Of the family's further labels, in their order. */
  readonly labels?: readonly string[];
  /** When it was measured, if that was not now: milliseconds since 1970. */
  readonly measuredAt?: number;
}

/** S is what the values come of. */
export interface MetricFamily<S> {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge";
  /** Beside those that all have. */
  readonly labels: readonly string[];
  /** None when this machine cannot tell. */
  readonly values: (source: S) => readonly Value[];
}

/** A single value without further labels, or none. */
export function one(value: bigint | number | undefined): readonly Value[] {
  return value === undefined ? [] : [{ value }];
}

/** Whole seconds. */
export function secondsOf(nanosecondCount: bigint | undefined): bigint | undefined {
  return nanosecondCount === undefined ? undefined : nanosecondCount / 1_000_000_000n;
}

/** The family as it is announced. */
export function toDescriptor({
  name,
  help,
  labels,
}: MetricFamily<never>): MessageInitShape<typeof MetricDescriptorSchema> {
  return { name, help, labelKeys: [...ownerLabels, ...labels] };
}

/** What the families say of a source now. */
export function toMetrics<S>(
  families: readonly MetricFamily<S>[],
  owner: Owner,
  source: S,
): MessageInitShape<typeof MetricSchema>[] {
  const ownerValues = ownerLabels.map((label) => owner[label]);
  return families.flatMap(({ name, type, labels, values }) =>
    values(source).map((value) => {
      assert(value.labels === undefined ? labels.length === 0 : value.labels.length === labels.length, name);
      return {
        name,
        // 0 says that it was read for this call.
        timestamp: value.measuredAt === undefined ? 0n : toNanoseconds(value.measuredAt),
        metricType: type === "counter" ? MetricType.COUNTER : MetricType.GAUGE,
        labelValues: [...ownerValues, ...(value.labels ?? [])],
        value: { value: BigInt(value.value) },
      };
    }),
  );
}
