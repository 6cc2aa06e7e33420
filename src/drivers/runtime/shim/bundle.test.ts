// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { TaskRequest } from "../../../core/tasks/task-runtime.ts";
import { Layout, makeDirectory, readTaskRecords, removeBundle, writeRecord, writeTaskConfig } from "./bundle.ts";

const handler = { name: "runc", driver: "shim", shim: "shim", systemdCgroup: false };

void test("bundles are listed by their record, open to passers-by, and removed but for a root filesystem in use", async () => {
  const state = mkdtempSync(join(tmpdir(), "berth-bundle-"));
  const umask = process.umask(0o077);
  try {
    const layout = new Layout(state);
    layout.prepare();
    const bundle = layout.bundle("one");
    makeDirectory(bundle);
    makeDirectory(layout.bundle("prepared"));
    writeRecord(bundle, "task.json", { id: "one", sandboxId: "s", handler });
    writeFileSync(join(layout.bundle("prepared"), "task.json.new"), "{}");
    assert.deepEqual(readTaskRecords(layout), [{ id: "one", sandboxId: "s", handler }]);
    for (const path of [state, layout.bundles, bundle]) assert.equal(statSync(path).mode & 0o777, 0o711);

    const request = { rootfs: "/mnt/root", spec: { root: { path: "rootfs", readonly: true } } } as TaskRequest;
    writeTaskConfig(bundle, request);
    const config = JSON.parse(readFileSync(join(bundle, "config.json"), "utf8")) as { readonly root: unknown };
    assert.deepEqual(config.root, { path: "/mnt/root", readonly: true });

    mkdirSync(join(bundle, "rootfs"));
    writeFileSync(join(bundle, "rootfs", "precious"), "");
    mkdirSync(join(bundle, "work"));
    await removeBundle(bundle);
    assert.deepEqual(readTaskRecords(layout), []);
    assert.ok(existsSync(join(bundle, "rootfs", "precious")));
    assert.ok(!existsSync(join(bundle, "work")));
    rmSync(join(bundle, "rootfs", "precious"));
    await removeBundle(bundle);
    await removeBundle(bundle);
    assert.ok(!existsSync(bundle));
  } finally {
    process.umask(umask);
    rmSync(state, { recursive: true });
  }
});
