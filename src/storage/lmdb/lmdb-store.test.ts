// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdir, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { silentLogger } from "../../base/log.ts";
import { defineTable } from "../store.ts";
import { testStoreContract } from "../testing/store-contract.ts";
import { openLmdbStore } from "./lmdb-store.ts";

const root = await mkdtemp(path.join(tmpdir(), "berth-lmdb-"));
after(() => rm(root, { recursive: true, force: true }));
let directories = 0;
const newDirectory = () => path.join(root, `store-${directories++}`);
const open = (directory: string) => openLmdbStore(directory, { logger: silentLogger });
const rows = defineTable<{ readonly text: string }>("rows");

testStoreContract("lmdb store", () => open(newDirectory()));

test("lmdb store: what was acknowledged is there when it is opened again", async () => {
  const directory = newDirectory();
  {
    await using store = await open(directory);
    await store.transaction((transaction) => transaction.put(rows, "k", { text: "kept" }));
  }
  await using store = await open(directory);
  assert.deepEqual(store.find(rows, "k"), { text: "kept" });
});

test("lmdb store: its directory is closed to others, also when it was open before", async () => {
  const directory = newDirectory();
  await mkdir(directory, { mode: 0o755 });
  await using _store = await open(directory);
  assert.equal((await stat(directory)).mode & 0o777, 0o700);
});

test("lmdb store: a copy of the file made at the moment of each acknowledgement has the change", async () => {
  const directory = newDirectory();
  await using store = await open(directory);
  for (let round = 0; round < 5; round++) {
    await store.transaction((transaction) => transaction.put(rows, `k${round}`, { text: "x".repeat(5000) }));
    const copy = newDirectory();
    await mkdir(copy);
    await copyFile(path.join(directory, "data.mdb"), path.join(copy, "data.mdb"));
    await using copied = await open(copy);
    assert.equal(copied.find(rows, `k${round}`)?.text.length, 5000);
  }
});

test("lmdb store: a process killed in the middle of writing leaves every acknowledged change and no half of one", async () => {
  const directory = newDirectory();
  const program = `
    import { openLmdbStore } from ${JSON.stringify(path.join(import.meta.dirname, "lmdb-store.ts"))};
    import { silentLogger } from ${JSON.stringify(path.join(import.meta.dirname, "../../base/log.ts"))};
    const store = await openLmdbStore(${JSON.stringify(directory)}, { logger: silentLogger });
    for (let round = 0; ; round++) {
      await store.transaction((transaction) => {
        transaction.put({ name: "rows" }, "first", { text: String(round) });
        transaction.put({ name: "rows" }, "second", { text: String(round) });
      });
      process.stdout.write(round + "\\n");
    }`;
  const child = spawn(process.execPath, ["--input-type=module-typescript", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    output += chunk;
    if (output.split("\n").length > 20) child.kill("SIGKILL");
  });
  await once(child, "close");
  const acknowledged = Number(output.trimEnd().split("\n").at(-1));
  await using store = await open(directory);
  const found = Number(store.find(rows, "first")?.text);
  assert.ok(found >= acknowledged, `${found} of ${acknowledged}`);
  assert.equal(store.find(rows, "second")?.text, String(found));
});

test("lmdb store: a file that is no database is refused with the directory's name", async () => {
  const directory = newDirectory();
  await mkdir(directory);
  await writeFile(path.join(directory, "data.mdb"), "garbage ".repeat(2000));
  await assert.rejects(open(directory), {
    code: "data-loss",
    message: new RegExp(`${directory}.*not a metadata store`),
  });
});
