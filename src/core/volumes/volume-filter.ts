// SPDX-License-Identifier: Apache-2.0
// The filters of docker volume ls: values of one key are alternatives, but for label; different keys must all hold.

import { invalidArgument } from "../../base/errors.ts";
import { labelMatches, nameMatches, parseFilterBoolean } from "../../base/filter-values.ts";
import type { VolumeRecord } from "./volume.ts";
import type { VolumeService } from "./volume-service.ts";

type Test = (volume: VolumeRecord, value: string) => boolean;

/** A predicate over volumes; invalid-argument for an unknown key or a bad value. */
export function volumeFilter(
  filters: ReadonlyMap<string, readonly string[]>,
  volumes: VolumeService,
): (volume: VolumeRecord) => boolean {
  const tests = Array.from(filters, ([key, values]) => {
    const test = testFor(key, values, volumes);
    return key === "label"
      ? (volume: VolumeRecord) => values.every((value) => test(volume, value))
      : (volume: VolumeRecord) => values.some((value) => test(volume, value));
  });
  return (volume) => tests.every((test) => test(volume));
}

function testFor(key: string, values: readonly string[], volumes: VolumeService): Test {
  switch (key) {
    case "name":
      return ({ name }, value) => nameMatches(name, value);
    case "driver":
      return (_volume, value) => value === volumes.driverId;
    case "label":
      return ({ labels }, value) => labelMatches(labels, value);
    case "dangling": {
      const wanted = new Map(values.map((value) => [value, parseFilterBoolean(key, value)]));
      return ({ name }, value) => (volumes.usersOf(name).length === 0) === wanted.get(value);
    }
    default:
      throw invalidArgument(`invalid filter '${key}'`);
  }
}
