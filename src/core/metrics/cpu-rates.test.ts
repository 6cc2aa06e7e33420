// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { CpuRates } from "./cpu-rates.ts";

function atTime() {
  const clock = { now: 10_000 };
  return { clock, rates: new CpuRates(() => clock.now) };
}

test("the rate is what was used a second since the last reading", () => {
  const { clock, rates } = atTime();
  assert.equal(rates.observe("a", 1, 5_000_000_000n), undefined);
  clock.now += 10_000;
  assert.equal(rates.observe("a", 1, 10_000_000_000n), 500_000_000n);
  clock.now += 2000;
  assert.equal(rates.observe("a", 1, 14_000_000_000n), 2_000_000_000n);
  assert.equal(rates.observe("b", 1, 0n), undefined);
});

test("several who ask at once get a rate over a second or more", () => {
  const { clock, rates } = atTime();
  rates.observe("a", 1, 0n);
  clock.now += 500;
  assert.equal(rates.observe("a", 1, 400_000_000n), undefined);
  clock.now += 500;
  assert.equal(rates.observe("a", 1, 500_000_000n), 500_000_000n);
  clock.now += 1;
  assert.equal(rates.observe("a", 1, 500_500_000n), 500_000_000n);
});

test("a counter that began anew, or was not read for long, has no rate", () => {
  const { clock, rates } = atTime();
  rates.observe("a", 1, 1000n);
  clock.now += 1000;
  assert.equal(rates.observe("a", 2, 2000n), undefined, "another life");
  clock.now += 1000;
  assert.equal(rates.observe("a", 2, 1000n), undefined, "it went backwards");
  clock.now += 301_000;
  assert.equal(rates.observe("a", 2, 5000n), undefined, "too long ago");
  clock.now += 1000;
  assert.equal(rates.observe("a", 2, 6000n), 1000n);
});

test("counters beyond a double's precision keep theirs", () => {
  const { clock, rates } = atTime();
  const years = 2n ** 62n;
  rates.observe("a", 1, years);
  clock.now += 1000;
  assert.equal(rates.observe("a", 1, years + 1n), 1n);
});
