// SPDX-License-Identifier: Apache-2.0
// berth pull --attach: pulls that somebody else has begun, seen live.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import type { ServerResponse } from "node:http";
import { after, suite, test } from "node:test";
import { type ImageServer, startImageServer } from "../../../src/core/transfer/testing/image-server.ts";
import { makeTar } from "../../../src/oci/archive/testing/tar-files.ts";
import { eventually, startDaemon } from "../../support/daemon.ts";
import { openTerminal, type TerminalSession } from "./terminal-session.ts";

interface HeldImage extends AsyncDisposable {
  readonly name: string;
  readonly server: ImageServer;
  /** Layers that are under way. */
  readonly held: readonly ServerResponse[];
  /** The connections break: what is missing is asked for by range, and comes. */
  release(): void;
  /** What comes instead is something else. */
  spoil(): void;
}

/** An image that nobody has seen before; its two layers come drop by drop. */
async function serveHeldImage(): Promise<HeldImage> {
  const layers = ["one", "two"].map((path) => makeTar({ path, data: randomBytes(300_000).toString("hex") }));
  const held: ServerResponse[] = [];
  let isSpoilt = false;
  const server = await startImageServer(layers, (layer, request, response) => {
    const bytes = layers[layer] ?? Buffer.alloc(0);
    if (isSpoilt) {
      response.writeHead(403).end();
      return true;
    }
    if (request.headers.range !== undefined) return false;
    response.writeHead(200, { "content-length": bytes.length });
    let offset = 0;
    const drip = setInterval(() => response.write(bytes.subarray(offset, (offset += 1000))), 50);
    response.once("close", () => clearInterval(drip));
    held.push(response);
    return true;
  });
  const release = () => {
    for (const response of held) response.destroy();
  };
  return {
    name: server.name,
    server,
    held,
    release,
    spoil: () => {
      isSpoilt = true;
      release();
    },
    [Symbol.asyncDispose]: async () => await server[Symbol.asyncDispose](),
  };
}

suite("berth pull --attach", async () => {
  const daemon = await startDaemon({ after });

  /** Another client's pull, in the middle of both layers. */
  async function beginPull(image: HeldImage, signal?: AbortSignal) {
    const pulling = daemon.client.images.pull(image.name, { ...(signal !== undefined && { signal }) });
    pulling.catch(() => {
      // Awaited by the test.
    });
    await eventually("both layers are under way", () => image.held.length === 2 || undefined);
    return { pulling };
  }

  async function showsAmounts(session: TerminalSession): Promise<void> {
    await eventually(
      "amounts of a layer",
      () => /Downloading +[1-9][\d.]*kB\/601\.6kB/.test(session.screen) || undefined,
    );
  }

  test("shows all pulls, or one, on a terminal with amounts, until they end well", async () => {
    await using image = await serveHeldImage();
    const { pulling } = await beginPull(image);
    const [all, one] = [["--attach"], ["--attach", image.name]].map((args) => openTerminal(daemon, ["pull", ...args]));
    assert(all !== undefined && one !== undefined);
    await all.shows(`${image.name}: Pulling`);
    await one.shows("v1: Pulling from app");
    for (const session of [all, one]) await showsAmounts(session);
    image.release();
    assert.equal((await pulling).reference, image.name);
    assert.deepEqual(await Promise.all([all.exit(), one.exit()]), [0, 0]);
    assert.match(all.screen, new RegExp(`${image.name} [0-9a-f]{12}: Pull complete`));
    assert.match(all.screen, new RegExp(`${image.name}: Pulled`));
    assert.match(one.screen, new RegExp(`Status: Downloaded newer image for ${image.name}\r\n${image.name}\r\n$`));
  });

  test("ends with 1 when one of the pulls fails, and says which and why", async () => {
    await using good = await serveHeldImage();
    await using bad = await serveHeldImage();
    const [first, second] = [await beginPull(good), await beginPull(bad)];
    const sessions = [["--attach"], ["--attach", good.name], ["--attach", bad.name]].map((args) =>
      openTerminal(daemon, ["pull", ...args]),
    );
    for (const session of sessions) await showsAmounts(session);
    good.release();
    bad.spoil();
    await first.pulling;
    await assert.rejects(second.pulling, { code: "permission-denied" });
    assert.deepEqual(await Promise.all(sessions.map((session) => session.exit())), [1, 0, 1]);
    const [all, , failed] = sessions.map(({ screen }) => screen);
    assert.match(all ?? "", new RegExp(`${good.name}: Pulled`));
    assert.match(all ?? "", new RegExp(`${bad.name}: Failed`));
    assert.match(all ?? "", new RegExp(`${bad.name}: Error response from daemon: .+\r\n$`));
    assert.match(failed ?? "", /Error response from daemon: .+\r\n$/);
  });

  test("looking on keeps no pull alive and ends none", async () => {
    await using image = await serveHeldImage();
    const leaving = new AbortController();
    const { pulling } = await beginPull(image, leaving.signal);
    const [running] = await daemon.client.images.runningPulls();
    assert.deepEqual([running?.reference, running?.platform], [image.name, "linux/amd64"]);
    for await (const news of daemon.client.images.watchPulls()) if (news.kind === "progress") break;
    const session = openTerminal(daemon, ["pull", "--attach", image.name]);
    await session.shows("Downloading");
    leaving.abort();
    await assert.rejects(pulling);
    assert.equal(await session.exit(), 1);
    assert.match(session.screen, /the operation was cancelled\r\n$/);
    assert.deepEqual(await daemon.client.images.runningPulls(), []);
  });

  test("says that nothing is pulled", async () => {
    assert.deepEqual(await daemon.berth(["pull", "--attach"]), {
      status: 0,
      stdout: "",
      stderr: "No pulls are running\n",
    });
    assert.deepEqual(await daemon.berth(["pull", "--attach", "nosuch"]), {
      status: 1,
      stdout: "",
      stderr: "Error response from daemon: no pull of nosuch:latest is running\n",
    });
    assert.match((await daemon.berth(["pull"])).stderr, /^"berth pull" requires 1 argument\.\n/);
  });
});
