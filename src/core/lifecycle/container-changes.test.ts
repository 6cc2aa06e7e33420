// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import type { SnapshotChange } from "../snapshots/snapshotter.ts";
import { withoutMountPoints } from "./container-changes.ts";

const change = (kind: SnapshotChange["kind"], path: string, isContentOnly = false): SnapshotChange => ({
  kind,
  path,
  isDirectory: isContentOnly,
  isContentOnly,
});
const shown = (...changes: readonly SnapshotChange[]) => withoutMountPoints(changes).map(({ path }) => path);

test("leaves out what was made to be mounted on, and directories named for nothing else", () => {
  assert.deepEqual(shown(change("changed", "/etc", true), change("added", "/etc/hosts"), change("added", "/proc")), []);
  assert.deepEqual(shown(change("changed", "/etc", true), change("added", "/etc/hosts"), change("added", "/etc/new")), [
    "/etc",
    "/etc/new",
  ]);
});

test("keeps what the container changed itself", () => {
  assert.deepEqual(shown(change("changed", "/etc"), change("added", "/etc/hosts")), ["/etc"]);
  assert.deepEqual(shown(change("changed", "/etc", true), change("changed", "/etc/hosts")), ["/etc", "/etc/hosts"]);
  assert.deepEqual(shown(change("removed", "/sys"), change("changed", "/tmp", true)), ["/sys", "/tmp"]);
  assert.deepEqual(shown(change("added", "/dev"), change("added", "/dev/mine")), ["/dev", "/dev/mine"]);
});
