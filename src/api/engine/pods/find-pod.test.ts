// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { hasCode } from "../../../base/errors.ts";
import type { Engine } from "../../../core/lifecycle/engine.ts";
import type { PodRecord } from "../../../core/sandboxes/sandbox.ts";
import { findPod, listVisiblePods } from "./find-pod.ts";
import { podFilter } from "./pod-filter.ts";

const pod = (
  id: string,
  name: string,
  { namespace = "apps", createdAt = 0, phase = "started", status = "ready" } = {},
) =>
  ({
    id,
    createdAt,
    status,
    pod: { phase, config: { metadata: { name, namespace, uid: "u", attempt: 0 }, labels: { app: name } } },
  }) as unknown as PodRecord;

const first = pod("aa11", "web", { createdAt: 10, status: "not-ready" });
const second = pod("aa22", "web", { createdAt: 20 });
const twin = pod("bb33", "dual", { createdAt: 30 });
const otherTwin = pod("bb44", "dual", { createdAt: 40, namespace: "test" });
const named = pod("cc55", "aa1", { createdAt: 50 });
const hidden = pod("dd66", "going", { phase: "removing" });
const alone = { id: "ee77", createdAt: 60, status: "ready" } as PodRecord;
const all = [first, second, twin, otherTwin, named, hidden, alone];
const engine = { sandboxes: { list: () => [...all] } } as unknown as Engine;

test("a pod is found by what people have of it", () => {
  for (const [reference, expected] of [
    ["aa11", first],
    ["web", second],
    ["apps/web", second],
    ["apps/dual", twin],
    ["test/dual", otherTwin],
    ["bb3", twin],
    // A name goes before the beginning of an id.
    ["aa1", named],
  ] as const) {
    assert.equal(findPod(engine, reference).id, expected.id, reference);
  }
});

test("what is not a pod, or not to be seen, is not found; what is unclear is told apart", () => {
  for (const reference of ["", "we", "test/web", "dd66", "going", "ee77", "zz"]) {
    assert.throws(
      () => findPod(engine, reference),
      (error) => hasCode(error, "not-found"),
      reference,
    );
  }
  assert.throws(() => findPod(engine, "dual"), /namespaces apps, test are called dual: say NAMESPACE\/dual/);
  assert.throws(() => findPod(engine, "bb"), /several pods have ids that begin with bb/);
  // Not invalid-argument: for clients that ask for several kinds of objects in turn that means "no such name".
  assert.throws(
    () => findPod(engine, "dual"),
    (error) => hasCode(error, "failed-precondition"),
  );
});

test("pods are listed newest first and filtered", () => {
  const filtered = (filters: Readonly<Record<string, readonly string[]>>) =>
    listVisiblePods(engine)
      .filter(podFilter(new Map(Object.entries(filters))))
      .map(({ id }) => id);
  for (const [filters, expected] of [
    [{}, ["cc55", "bb44", "bb33", "aa22", "aa11"]],
    [{ id: ["aa"] }, ["aa22", "aa11"]],
    [{ name: ["^d", "web"] }, ["bb44", "bb33", "aa22", "aa11"]],
    [{ namespace: ["test"] }, ["bb44"]],
    [{ name: ["dual"], namespace: ["apps"] }, ["bb33"]],
    [{ state: ["NotReady"] }, ["aa11"]],
    [{ state: ["ready", "not-ready"], label: ["app=web"] }, ["aa22", "aa11"]],
    [{ label: ["app", "app=aa1"] }, ["cc55"]],
  ] as const) {
    assert.deepEqual(filtered(filters), expected, JSON.stringify(filters));
  }
  for (const filters of [{ state: ["up"] }, { status: ["ready"] }]) {
    assert.throws(() => filtered(filters), /invalid filter '(state=up|status)'/);
  }
});
