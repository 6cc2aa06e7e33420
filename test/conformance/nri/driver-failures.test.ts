// SPDX-License-Identifier: Apache-2.0
// The NRI driver and plugins that hang, die or lie, and those that it starts itself.

import assert from "node:assert/strict";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { chmod, copyFile, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { createConnection } from "node:net";
import path from "node:path";
import { after, describe, test } from "node:test";
import { ModelEngine } from "./model-engine.ts";
import { buildPlugin, NriPlugin, noGo, type PluginEvent } from "./nri-plugin.ts";

void describe("NRI driver: failures", { skip: noGo }, () => {
  const { file, directory } = noGo === false ? buildPlugin() : { file: "", directory: "" };
  after(() => rmSync(directory, { recursive: true, force: true }));

  void test("a plugin that does not answer in time is dropped, and the operation goes on without it", async () => {
    await using engine = await ModelEngine.open({ requestTimeoutMs: 1_000 });
    const behaviours = { CreateContainer: { deaf: true } };
    await using mute = await NriPlugin.join({ file, socket: engine.socket, name: "mute", index: "10", behaviours });
    await using other = await NriPlugin.join({ file, socket: engine.socket, name: "other", index: "20" });
    await engine.runPod("pod");
    await engine.create("pod", "c");
    await other.saw("PostCreateContainer", "c");
    assert.deepEqual(engine.hooks.plugins, ["20-other"]);
    await mute.saw("Closed");
    await engine.start("c");
    await mute.heard(["CreateContainer"], "c");
  });

  void test("a plugin that dies over a call is as if it had not been there", async () => {
    await using engine = await ModelEngine.open();
    const behaviours = { StartContainer: { block: true } };
    await using plugin = await NriPlugin.join({ file, socket: engine.socket, name: "frail", behaviours });
    await engine.runPod("pod");
    await engine.create("pod", "c");
    const starting = engine.start("c");
    await plugin.saw("StartContainer");
    plugin.kill();
    await starting;
    assert.deepEqual(engine.hooks.plugins, []);
    await using again = await NriPlugin.join({ file, socket: engine.socket, name: "frail" });
    assert.deepEqual(
      (await again.saw("Synchronize")).containers?.map(({ id }) => id),
      ["c"],
    );
  });

  void test("a plugin that fails to be configured, or to take in the list, does not join", async () => {
    await using engine = await ModelEngine.open();
    for (const [event, end] of [
      ["Configured", "Ended"],
      ["Synchronize", "Closed"],
    ] as const) {
      const behaviours = { [event]: { error: "I cannot" } };
      await using plugin = new NriPlugin({ file, socket: engine.socket, name: "weak", behaviours });
      await plugin.saw(end);
      assert.deepEqual(engine.hooks.plugins, []);
    }
  });

  void test("a name that no plugin may have, and one who says nothing, are sent away", async () => {
    await using engine = await ModelEngine.open({ registrationTimeoutMs: 300 });
    await using plugin = new NriPlugin({ file, socket: engine.socket, name: "a b" });
    assert.match((await plugin.saw("Ended")).error ?? "", /not a name of an NRI plugin/);
    const silent = createConnection({ path: engine.socket });
    await once(silent, "close");
    const garbage = createConnection({ path: engine.socket });
    garbage.on("error", () => {});
    garbage.write(Buffer.alloc(64, 0xff));
    await once(garbage, "close");
    await engine.runPod("pod");
  });

  void test("a client that goes away ends the waiting, and all plugins are told all the same", async () => {
    await using engine = await ModelEngine.open();
    const behaviours = { StopPodSandbox: { block: true, once: true } };
    await using slow = await NriPlugin.join({ file, socket: engine.socket, name: "slow", behaviours });
    await using next = await NriPlugin.join({ file, socket: engine.socket, name: "next", index: "10" });
    const pod = await engine.runPod("pod");
    const client = new AbortController();
    {
      using hooks = engine.hooks.enter();
      const stopping = hooks.stopPodSandbox(pod, { signal: client.signal });
      await slow.saw("StopPodSandbox");
      client.abort(new Error("gone"));
      await stopping;
      await assert.rejects(hooks.runPodSandbox({ ...pod, id: "other" }, { signal: client.signal }), {
        message: "gone",
      });
    }
    slow.release("StopPodSandbox");
    await engine.removePod("pod");
    for (const plugin of [slow, next])
      await plugin.heard(["RunPodSandbox", "StopPodSandbox", "RemovePodSandbox"], "pod");
    assert.deepEqual(engine.hooks.plugins, ["00-slow", "10-next"]);
  });

  void test("installed plugins are started with their configuration, and ended with the engine", async () => {
    let log = "";
    const events = async () =>
      (await readFile(log, "utf8"))
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as PluginEvent);
    {
      await using engine = await ModelEngine.open({ socket: undefined }, async ({ directory: root }) => {
        log = path.join(directory, "log");
        for (const name of ["plugins", "conf.d"]) await mkdir(path.join(root, name));
        await copyFile(file, path.join(root, "plugins", "30-installed"));
        await writeFile(path.join(root, "plugins", "40-broken"), "#!/nowhere\n");
        await chmod(path.join(root, "plugins", "40-broken"), 0o755);
        await writeFile(path.join(root, "plugins", "50-data"), "not executable");
        await writeFile(path.join(root, "plugins", "nameless"), "#!/bin/true\n");
        await chmod(path.join(root, "plugins", "nameless"), 0o755);
        await writeFile(path.join(root, "conf.d", "installed.conf"), `log ${log}\n`);
      });
      assert.deepEqual(engine.hooks.plugins, ["30-installed"]);
      await engine.runPod("pod");
      assert.deepEqual(
        (await events()).map(({ event }) => event),
        ["Configure", "Configured", "Synchronize", "Synchronized", "RunPodSandbox"],
      );
    }
    assert.equal((await events()).at(5)?.event, "Shutdown");
  });

  void test("the socket is the owner's, and not taken from another runtime that serves it", async () => {
    await using engine = await ModelEngine.open();
    assert.equal((await stat(engine.socket)).mode & 0o007, 0);
    await using second = await ModelEngine.open({ socket: engine.socket });
    await using plugin = await NriPlugin.join({ file, socket: engine.socket, name: "p" });
    assert.deepEqual([engine.hooks.plugins, second.hooks.plugins], [["00-p"], []]);
    await plugin.heard(["Synchronize"]);
  });
});
