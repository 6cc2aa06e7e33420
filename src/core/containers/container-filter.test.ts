// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { notFound } from "../../base/errors.ts";
import type { ContainerRecord } from "./container.ts";
import { containerFilter } from "./container-filter.ts";
import type { ContainerRegistry } from "./container-registry.ts";

const record = (id: string, fields: object, config: object = {}) =>
  ({
    id,
    name: id,
    createdAt: 0,
    labels: {},
    state: { status: "running", exitCode: 0 },
    mounts: [],
    exposedPorts: [],
    config: { networkMode: "bridge", ports: [], ...config },
    ...fields,
  }) as unknown as ContainerRecord;

const web = record(
  "aa11",
  {
    name: "web",
    createdAt: 20,
    labels: { tier: "front", note: "" },
    exposedPorts: ["80/tcp", "53/udp"],
    mounts: [{ volume: "data", source: "/v/data/_data", request: { target: "/srv" } }],
  },
  { ports: [{ containerPort: 80, protocol: "tcp" }] },
);
const failed = record("aa22", { name: "web-2", createdAt: 10, state: { status: "exited", exitCode: 1 } });
const fresh = record(
  "bb33",
  { name: "db", createdAt: 30, state: { status: "created", exitCode: 0 } },
  { networkMode: "none" },
);
const all = [web, failed, fresh];
const registry = {
  get: (name: string) => {
    const found = all.find((candidate) => candidate.name === name);
    if (found === undefined) throw notFound("container", name);
    return found;
  },
} as unknown as ContainerRegistry;
const podOf = (candidate: ContainerRecord) =>
  candidate === fresh ? undefined : { id: `90d${candidate.id}`, name: candidate.name, namespace: "apps" };
const isAncestor = (candidate: ContainerRecord, image: string) => candidate === web && image === "nginx";
const filtered = (filters: Readonly<Record<string, readonly string[]>>) =>
  all
    .filter(containerFilter(new Map(Object.entries(filters)), { registry, isAncestor, podOf }))
    .map(({ name }) => name);

test("each filter chooses what docker ps would", () => {
  for (const [filters, expected] of [
    [{}, ["web", "web-2", "db"]],
    [{ id: ["aa"] }, ["web", "web-2"]],
    [{ id: ["a1"] }, []],
    [{ name: ["web"] }, ["web", "web-2"]],
    [{ name: ["^web$"] }, ["web"]],
    [{ name: ["^/db$"] }, ["db"]],
    [{ label: ["tier"] }, ["web"]],
    [{ pod: ["web"] }, ["web"]],
    [{ pod: ["apps/web-2", "nothing"] }, ["web-2"]],
    [{ pod: ["90d"] }, ["web", "web-2"]],
    [{ pod: [""] }, []],
    [{ namespace: ["apps"] }, ["web", "web-2"]],
    [{ namespace: ["app"] }, []],
    [{ label: ["tier=back"] }, []],
    [{ label: ["note="] }, ["web"]],
    [{ status: ["exited", "created"] }, ["web-2", "db"]],
    [{ exited: ["1"] }, ["web-2"]],
    [{ exited: ["0"] }, []],
    [{ ancestor: ["nginx"] }, ["web"]],
    [{ before: ["web"] }, ["web-2"]],
    [{ since: ["web"] }, ["db"]],
    [{ volume: ["data"] }, ["web"]],
    [{ volume: ["/srv"] }, ["web"]],
    [{ network: ["none"] }, ["db"]],
    [{ publish: ["80"] }, ["web"]],
    [{ publish: ["80/udp"] }, []],
    [{ expose: ["53/udp"] }, ["web"]],
    [{ expose: ["53"] }, []],
  ] as const) {
    assert.deepEqual(filtered(filters), expected, JSON.stringify(filters));
  }
});

test("values of one key are alternatives, labels and different keys must all hold", () => {
  assert.deepEqual(filtered({ name: ["^web$", "db"] }), ["web", "db"]);
  assert.deepEqual(filtered({ label: ["tier=front", "note"] }), ["web"]);
  assert.deepEqual(filtered({ label: ["tier", "missing"] }), []);
  assert.deepEqual(filtered({ name: ["web"], status: ["exited"] }), ["web-2"]);
});

test("a name that is no expression is taken as it is", () => {
  assert.deepEqual(filtered({ name: ["web("] }), []);
});

test("refuses filters, values and containers that it does not know", () => {
  for (const [filters, message] of [
    [{ colour: ["red"] }, "invalid filter 'colour'"],
    [{ status: ["asleep"] }, "invalid filter 'status=asleep'"],
    [{ exited: ["-1"] }, "invalid filter 'exited=-1'"],
  ] as const) {
    assert.throws(() => filtered(filters), { code: "invalid-argument", message });
  }
  assert.throws(() => filtered({ before: ["gone"] }), { code: "not-found", message: "no such container: gone" });
});
