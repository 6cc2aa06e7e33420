// SPDX-License-Identifier: Apache-2.0
// One daemon a root: the second refuses and changes nothing.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import path from "node:path";
import { suite, test } from "node:test";
import { startContainer } from "../../support/run-container.ts";
import { suiteDaemon } from "../../support/suite-daemon.ts";

const main = path.join(import.meta.dirname, "../../../src/daemon/main.ts");

suite("two daemons on one root", () => {
  const own = suiteDaemon();

  test("the second says who is there, exits with 1 and changes nothing", async () => {
    const id = await startContainer(own.client, { networkMode: "none" });
    const before = await readdir(own.daemon.state, { recursive: true });
    const { root, state, directory } = own.daemon;
    const child = spawn(
      process.execPath,
      [
        "--disable-warning=ExperimentalWarning",
        main,
        "--config",
        `${directory}/berth.toml`,
        "--root",
        root,
        "--state",
        state,
      ],
      { stdio: ["ignore", "ignore", "pipe"] },
    );
    let stderr = "";
    child.stderr.on("data", (chunk) => {
      stderr += chunk;
    });
    const [status] = (await once(child, "close")) as [number];
    assert.equal(status, 1);
    assert.equal(
      stderr.trim(),
      `berth daemon: another berth daemon (pid ${own.daemon.pid}) uses ${root}; stop it or choose another --root`,
    );
    assert.deepEqual(await readdir(state, { recursive: true }), before);
    assert.equal((await own.client.containers.inspect(id)).state?.status, "running");
    await own.client.containers.remove(id, { force: true });
  });
});
