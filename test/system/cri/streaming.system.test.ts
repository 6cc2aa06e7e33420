// SPDX-License-Identifier: Apache-2.0
// Commands whose clients follow them over a stream, and the end of the daemon that carries it.

import assert from "node:assert/strict";
import { once } from "node:events";
import { suite, test } from "node:test";
import { WebSocket } from "ws";
import { deadlineSignal, raceSignal } from "../../../src/base/lifetime.ts";
import { eventually } from "../../support/daemon.ts";
import { suiteCri } from "../../support/suite-cri.ts";

suite("a command that is followed over a stream", () => {
  const own = suiteCri();

  /** Starts it; resolves when it runs. */
  async function follow(containerId: string, seconds: string): Promise<WebSocket> {
    const { url } = await own.cri.runtime.exec({ containerId, cmd: ["sleep", seconds], stdout: true });
    const socket = new WebSocket(url.replace("http:", "ws:"), ["v4.channel.k8s.io"]);
    socket.on("error", () => {}); // the daemon ends it
    await once(socket, "open");
    await own.cri.until(containerId, `ps | grep -q 'slee[p] ${seconds}'`);
    return socket;
  }

  test("holds up no daemon that is to stop, whether its client is there or has gone", async () => {
    const pod = await own.cri.runPod();
    const containerId = await own.cri.start(pod);
    const [present, gone] = [await follow(containerId, "4711"), await follow(containerId, "4712")];
    const ends = once(present, "close");
    gone.terminate();
    const stopped = await raceSignal(own.daemon.stop(), deadlineSignal(15_000, "its end")).then(
      () => true,
      () => false,
    );
    if (!stopped) await own.daemon.kill();
    await own.daemon.start();
    assert.ok(stopped, "the daemon stopped when it was told to");
    await ends;
    const left = await eventually(
      "its container",
      async () => await own.cri.output(containerId, "ps | grep 'slee[p] 4'"),
    );
    assert.match(left, /4711[^]*4712/, "the commands go on");
    await own.cri.removePod(pod);
  });
});
