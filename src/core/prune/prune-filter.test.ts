// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { filterSwitch, pruneFilter } from "./prune-filter.ts";

const filters = (given: Readonly<Record<string, readonly string[]>>) => new Map(Object.entries(given));

test("what is pruned is older than until, has all labels and none of the unwanted ones", () => {
  const hour = 3_600_000;
  const old = { labels: { tier: "db", keep: "" }, createdAt: Date.now() - 2 * hour };
  const young = { labels: {}, createdAt: Date.now() };
  for (const [given, expected] of [
    [{}, [true, true]],
    [{ until: ["1h"] }, [true, false]],
    [{ until: ["2001-01-01T00:00:00Z"] }, [false, false]],
    [{ label: ["tier=db", "keep"] }, [true, false]],
    [{ label: ["tier=db", "missing"] }, [false, false]],
    [{ "label!": ["missing", "keep"] }, [false, true]],
    [{ until: ["1h"], "label!": ["tier=web"] }, [true, false]],
  ] as const) {
    const matches = pruneFilter(filters(given), ["until"]);
    assert.deepEqual([old, young].map(matches), expected, JSON.stringify(given));
  }
});

test("unknown filters and bad values are refused", () => {
  for (const given of [{ color: ["red"] }, { until: ["yesterday"] }, { until: ["1h", "2h"] }, { all: ["true"] }]) {
    assert.throws(() => pruneFilter(filters(given), ["until"]), { code: "invalid-argument" }, JSON.stringify(given));
  }
  assert.equal(filterSwitch(filters({ all: ["1", "true"] }), "all"), true);
  assert.equal(filterSwitch(filters({ all: ["False"] }), "all"), false);
  assert.equal(filterSwitch(filters({}), "all"), undefined);
  for (const values of [["perhaps"], ["true", "0"]]) {
    assert.throws(() => filterSwitch(filters({ all: values }), "all"), { code: "invalid-argument" });
  }
});
