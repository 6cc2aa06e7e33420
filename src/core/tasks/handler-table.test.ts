// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { conflict, failedPrecondition } from "../../base/errors.ts";
import { HandlerTable } from "./handler-table.ts";
import type { RuntimeFeatures, RuntimeHandler, TaskRuntime } from "./task-runtime.ts";

const { signal } = new AbortController();
const handler = (name: string): RuntimeHandler => ({ name, driver: "shim", shim: "shim", systemdCgroup: false });
const features: RuntimeFeatures = { name: "runc", version: "1", ociVersion: "1.0.2", seccomp: true };

/** A driver whose trials end as the test says; tried holds their names. */
function driver(outcome: (name: string) => Promise<RuntimeFeatures>) {
  const tried: string[] = [];
  const probe = async ({ name }: RuntimeHandler, options: { readonly signal: AbortSignal }) => {
    tried.push(name);
    options.signal.throwIfAborted();
    return await outcome(name);
  };
  return { tried, runtime: { probe } as unknown as TaskRuntime };
}

const broken = (name: string) =>
  name === "crun" ? Promise.reject(failedPrecondition("hybrid")) : Promise.resolve(features);

test("the default is the first that works here, and stays it", async () => {
  const { tried, runtime } = driver(broken);
  const table = new HandlerTable({ handlers: [handler("crun"), handler("runc")], runtimes: { shim: runtime } });
  assert.equal((await table.use(undefined, { signal })).handler.name, "runc");
  assert.equal((await table.use(undefined, { signal })).handler.name, "runc");
  assert.deepEqual(tried, ["crun", "runc"]);
});

test("says why none can run, and asks again later what failed", async () => {
  const outcomes = [Promise.reject(failedPrecondition("not installed")), Promise.resolve(features)];
  const { runtime } = driver(() => outcomes.shift() ?? Promise.resolve(features));
  const table = new HandlerTable({ handlers: [handler("runc")], runtimes: { shim: runtime } });
  await assert.rejects(table.use(undefined, { signal }), {
    code: "failed-precondition",
    message: "no runtime handler can run here (runc: not installed)",
  });
  assert.equal((await table.use("runc", { signal })).features, features);
});

test("a trial that several wait for goes on when the first of them leaves", async () => {
  const { promise, resolve } = Promise.withResolvers<RuntimeFeatures>();
  const { tried, runtime } = driver(() => promise);
  const table = new HandlerTable({ handlers: [handler("runc")], runtimes: { shim: runtime } });
  const leaving = new AbortController();
  const first = table.use("runc", { signal: leaving.signal });
  const second = table.use("runc", { signal });
  leaving.abort(conflict("left"));
  await assert.rejects(first, { message: "left" });
  resolve(features);
  assert.equal((await second).features, features);
  assert.deepEqual(tried, ["runc"]);
});

test("refuses names and drivers that it does not have, and reports all it has", async () => {
  const { runtime } = driver(broken);
  const handlers = [handler("crun"), handler("runc"), { ...handler("odd"), driver: "none" }];
  const table = new HandlerTable({ handlers, runtimes: { shim: runtime }, defaultName: "runc" });
  await assert.rejects(table.use("kata", { signal }), { code: "not-found", message: "no such runtime handler: kata" });
  await assert.rejects(table.use("odd", { signal }), {
    code: "failed-precondition",
    message: "runtime handler odd: no driver none",
  });
  assert.equal((await table.use(undefined, { signal })).handler.name, "runc");
  assert.deepEqual(await table.report({ signal }), [
    { name: "crun", problem: "hybrid" },
    { name: "runc", features },
    { name: "odd", problem: "runtime handler odd: no driver none" },
  ]);
});

test("a report does not try a handler again that failed a moment ago; whoever wants to use it does", async () => {
  const { tried, runtime } = driver(broken);
  const table = new HandlerTable({ handlers: [handler("crun")], runtimes: { shim: runtime } });
  const failed = [{ name: "crun", problem: "hybrid" }];
  assert.deepEqual(await table.report({ signal }), failed);
  assert.deepEqual(await table.report({ signal }), failed);
  assert.deepEqual(tried, ["crun"]);
  await assert.rejects(table.use("crun", { signal }), { message: "hybrid" });
  assert.deepEqual(tried, ["crun", "crun"]);
});

test("what is left of a handler that is no longer configured has a driver all the same", () => {
  const { runtime } = driver(broken);
  const table = new HandlerTable({ handlers: [], runtimes: { shim: runtime } });
  assert.equal(table.runtime("gone"), runtime);
});
