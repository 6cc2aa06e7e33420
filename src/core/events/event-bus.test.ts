// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { type EngineEvent, EventBus } from "./event-bus.ts";

const publish = (bus: EventBus, id: string) => bus.publish({ type: "container", action: "start", id, attributes: {} });
const { signal } = new AbortController();

async function take(events: AsyncIterable<EngineEvent>, count: number): Promise<EngineEvent[]> {
  const taken: EngineEvent[] = [];
  for await (const event of events) {
    taken.push(event);
    if (taken.length === count) break;
  }
  return taken;
}

const idsOf = (events: readonly EngineEvent[]) => events.map(({ id }) => id);

test("a reader gets what was published after it subscribed, also before it read", async () => {
  const bus = new EventBus();
  publish(bus, "early");
  const events = bus.subscribe({ signal });
  publish(bus, "a");
  publish(bus, "b");
  assert.deepEqual(idsOf(await take(events, 2)), ["a", "b"]);
});

test("times strictly increase, also within one millisecond", async () => {
  const bus = new EventBus();
  const events = bus.subscribe({ signal });
  for (let index = 0; index < 1000; index++) publish(bus, `${index}`);
  const times = (await take(events, 1000)).map(({ timeNano }) => timeNano);
  assert.ok(times.every((time, index) => index === 0 || time > (times[index - 1] ?? time)));
  assert.ok(times.every((time) => time > 1_700_000_000_000_000_000n));
});

test("since replays in order and goes on live without losing or doubling an event", async () => {
  const bus = new EventBus();
  for (const id of ["a", "b", "c"]) publish(bus, id);
  const events = bus.subscribe({ since: 0n, signal })[Symbol.asyncIterator]();
  publish(bus, "d");
  const seen: string[] = [];
  for (const next of ["e", "f", "g", undefined, undefined, undefined, undefined]) {
    const { value } = (await events.next()) as IteratorYieldResult<EngineEvent>;
    seen.push(value.id);
    if (next !== undefined) publish(bus, next);
  }
  assert.deepEqual(seen, ["a", "b", "c", "d", "e", "f", "g"]);
});

test("since leaves out what is older, and the bus remembers the last 256", async () => {
  const bus = new EventBus();
  for (let index = 0; index < 300; index++) publish(bus, `${index}`);
  const all = await take(bus.subscribe({ since: 0n, signal }), 256);
  assert.equal(all[0]?.id, "44");
  const [tenth] = all.slice(10);
  assert.equal((await take(bus.subscribe({ since: tenth?.timeNano ?? 0n, signal }), 1))[0]?.id, tenth?.id);
});

test("until in the past gives the replay and ends", async () => {
  const bus = new EventBus();
  publish(bus, "a");
  const [{ timeNano }] = (await take(bus.subscribe({ since: 0n, signal }), 1)) as [EngineEvent];
  publish(bus, "b");
  const events = await take(bus.subscribe({ since: 0n, until: timeNano, signal }), Infinity);
  assert.deepEqual(idsOf(events), ["a"]);
});

test("until ends a stream in which nothing happens, after all that came before it", async () => {
  const bus = new EventBus();
  const events = bus.subscribe({ until: BigInt(Date.now() + 30) * 1_000_000n, signal });
  publish(bus, "a");
  assert.deepEqual(idsOf(await take(events, Infinity)), ["a"]);
});

test("a stream ends when its signal aborts or the bus is closed", async () => {
  const bus = new EventBus();
  const controller = new AbortController();
  const aborted = take(bus.subscribe({ signal: controller.signal }), Infinity);
  const closed = take(bus.subscribe({ until: 2n ** 70n, signal }), Infinity);
  controller.abort();
  assert.deepEqual(idsOf(await aborted), []);
  publish(bus, "a");
  bus.close();
  assert.deepEqual(idsOf(await closed), ["a"]);
});
