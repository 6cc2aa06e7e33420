// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { checkIdMappings, hostRoot, type IdMapping, toHostId } from "./id-mapping.ts";

const range = (containerId: number, hostId: number, size: number): IdMapping => ({ containerId, hostId, size });
const good = [range(0, 100_000, 65_536)];

function check(...mappings: readonly IdMapping[]): void {
  checkIdMappings({ uidMappings: mappings, gidMappings: good });
}

test("takes ranges that lie beside each other, in any order", () => {
  check(...good);
  check(range(10, 110_000, 5), range(0, 100_000, 10));
  check(range(0, 0, 2 ** 32 - 1));
});

test("refuses mappings that no kernel takes, of users and of groups", () => {
  const bad: Record<string, readonly IdMapping[]> = {
    "size 0": [range(0, 100_000, 0)],
    "a negative id": [range(0, -1, 10)],
    "a fraction": [range(0, 0.5, 10)],
    "no host id": [{ containerId: 0, size: 10 } as IdMapping],
    "beyond the last id": [range(0, 2 ** 32 - 2, 2)],
    "overlapping container ids": [range(0, 100_000, 10), range(9, 200_000, 10)],
    "overlapping host ids": [range(0, 100_000, 10), range(10, 100_009, 10)],
    "root not mapped": [range(1, 100_000, 10)],
    nothing: [],
    "too many": Array.from({ length: 341 }, (_, index) => range(index, 100_000 + index, 1)),
  };
  for (const [name, mappings] of Object.entries(bad)) {
    assert.throws(() => check(...mappings), { code: "invalid-argument", message: /user id/ }, name);
    const groups = { uidMappings: good, gidMappings: mappings };
    assert.throws(() => checkIdMappings(groups), { code: "invalid-argument", message: /group id/ }, name);
  }
});

test("finds the host's id of one inside", () => {
  const mappings = [range(0, 100_000, 10), range(1000, 5000, 1)];
  assert.equal(toHostId(mappings, 9), 100_009);
  assert.equal(toHostId(mappings, 1000), 5000);
  assert.equal(toHostId(mappings, 10), undefined);
  assert.deepEqual(hostRoot({ uidMappings: mappings, gidMappings: [range(0, 7, 1)] }), { uid: 100_000, gid: 7 });
});
