// SPDX-License-Identifier: Apache-2.0
// The filters of berth pods: values of one key are alternatives, but for label; different keys must all hold.

import { invalidArgument } from "../../../base/errors.ts";
import { labelMatches, nameMatches } from "../../../base/filter-values.ts";
import type { PodRecord } from "../../../core/sandboxes/sandbox.ts";

type Test = (record: PodRecord, value: string) => boolean;

/** A predicate over pods; invalid-argument for an unknown key or a bad value. */
export function podFilter(filters: ReadonlyMap<string, readonly string[]>): (record: PodRecord) => boolean {
  const tests = Array.from(filters, ([key, values]) => {
    const test = testFor(key, values);
    return key === "label"
      ? (record: PodRecord) => values.every((value) => test(record, value))
      : (record: PodRecord) => values.some((value) => test(record, value));
  });
  return (record) => tests.every((test) => test(record));
}

function testFor(key: string, values: readonly string[]): Test {
  switch (key) {
    case "id":
      return ({ id }, value) => id.startsWith(value);
    case "name":
      return ({ pod }, value) => nameMatches(pod.config.metadata.name, value);
    case "namespace":
      return ({ pod }, value) => pod.config.metadata.namespace === value;
    case "label":
      return ({ pod }, value) => labelMatches(pod.config.labels, value);
    case "state": {
      const states = new Map(values.map((value) => [value, stateOf(value)]));
      return ({ status }, value) => status === states.get(value);
    }
    default:
      throw invalidArgument(`invalid filter '${key}'`);
  }
}

/** crictl writes NotReady, this API not-ready. */
function stateOf(value: string): PodRecord["status"] {
  const lower = value.toLowerCase();
  if (lower === "ready") return "ready";
  if (lower === "notready" || lower === "not-ready") return "not-ready";
  throw invalidArgument(`invalid filter 'state=${value}': it is ready or not-ready`);
}
