// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { withFileSystemIds } from "./file-system-ids.ts";

void test("files get the owner that is asked for, also one above half of all ids, and then one's own again", (t) => {
  const directory = mkdtempSync(path.join(tmpdir(), "berth-file-system-ids-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const ownerOf = (name: string) => {
    const file = path.join(directory, name);
    writeFileSync(file, "");
    const { uid, gid } = statSync(file);
    return { uid, gid };
  };
  // A kubelet hands out ranges from all of the 32 bits.
  for (const ids of [
    { uid: 65_536, gid: 65_537 },
    { uid: 3_028_549_632, gid: 3_028_549_633 },
  ]) {
    assert.deepEqual(
      withFileSystemIds(ids, () => ownerOf(`file-${ids.uid}`)),
      ids,
    );
  }
  assert.deepEqual(ownerOf("own"), { uid: process.getuid?.(), gid: process.getgid?.() });
});
