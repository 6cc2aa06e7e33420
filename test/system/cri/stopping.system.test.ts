// SPDX-License-Identifier: Apache-2.0
// Ending a pod's container: which signal, how long it may take, and that it may be asked for again and at any time.

import assert from "node:assert/strict";
import { mkdir, readFile, stat } from "node:fs/promises";
import path from "node:path";
import { before, suite, test } from "node:test";
import { ContainerState, Signal } from "../../../src/gen/runtime/v1/api_pb.js";
import { mountOne } from "../../../src/linux/mount/mount-all.ts";
import { unmountAll } from "../../../src/linux/mount/unmount.ts";
import { type ContainerInit, refused } from "../../support/cri-client.ts";
import { suiteCri } from "../../support/suite-cri.ts";

const unknownId = "d".repeat(64);
/** Writes down the signals that it gets, and ends on USR1 alone. */
const stubborn = `for s in TERM INT QUIT USR2; do trap "echo $s >> /got" $s; done
  trap 'exit 9' USR1; touch /ready; while :; do sleep 0.05; done`;

suite("ending a pod's container", () => {
  const own = suiteCri();
  let pod = "";
  before(async () => {
    pod = await own.cri.runPod();
  });

  /** When it has set its traps. */
  async function startReady(script: string, init: ContainerInit = {}): Promise<string> {
    const id = await own.cri.startScript(pod, script, init);
    await own.cri.until(id, "test -e /ready");
    return id;
  }

  async function endOf(containerId: string) {
    const { state, exitCode, reason } = await own.cri.status(containerId);
    assert.equal(state, ContainerState.CONTAINER_EXITED);
    return [exitCode, reason];
  }

  test("SIGTERM, and its own exit code when it obeys", async () => {
    const id = await startReady("trap 'exit 5' TERM; touch /ready; while :; do sleep 0.05; done");
    await own.cri.runtime.stopContainer({ containerId: id, timeout: 60n });
    assert.deepEqual(await endOf(id), [5, "Error"]);
    const obedient = await startReady("trap 'exit 0' TERM; touch /ready; while :; do sleep 0.05; done");
    await own.cri.runtime.stopContainer({ containerId: obedient, timeout: 60n });
    assert.deepEqual(await endOf(obedient), [0, "Completed"]);
  });

  test("SIGKILL when the time is over, and at once without any time", async () => {
    const mount = { containerPath: "/seen", hostPath: own.daemon.directory };
    const script = `trap 'echo TERM >> /seen/stopped' TERM; touch /ready; while :; do sleep 0.05; done`;
    const slow = await startReady(script, { mounts: [mount] } as ContainerInit);
    const began = Date.now();
    await own.cri.runtime.stopContainer({ containerId: slow, timeout: 1n });
    assert.ok(Date.now() - began >= 1000, "it had its second");
    assert.deepEqual(await endOf(slow), [137, "Error"]);
    const seen = await own.cri.start(pod, { mounts: [mount] } as ContainerInit);
    assert.equal(await own.cri.output(seen, "cat /seen/stopped"), "TERM");
    const atOnce = await startReady(script, { mounts: [mount] } as ContainerInit);
    await own.cri.runtime.stopContainer({ containerId: atOnce, timeout: 0n });
    assert.deepEqual(await endOf(atOnce), [137, "Error"]);
    assert.equal(await own.cri.output(seen, "cat /seen/stopped"), "TERM", "no signal but the last one");
  });

  test("the request's signal before the image's, and the image's before SIGTERM", async () => {
    const script = `for s in TERM INT USR2; do trap "exit $(kill -l $s)" $s; done; touch /ready; while :; do sleep 0.05; done`;
    await own.daemon.importBusybox("stops-on-int:latest", ["STOPSIGNAL SIGINT"]);
    const image = { image: "stops-on-int:latest" };
    const cases = [
      [{}, 15, Signal.SIGTERM],
      [{ image }, 2, Signal.SIGINT],
      [{ image, stopSignal: Signal.SIGUSR2 }, 12, Signal.SIGUSR2],
    ] as const;
    for (const [init, exitCode, stopSignal] of cases) {
      const id = await startReady(script, init as ContainerInit);
      assert.equal((await own.cri.status(id)).stopSignal, stopSignal);
      await own.cri.runtime.stopContainer({ containerId: id, timeout: 60n });
      assert.deepEqual(await endOf(id), [exitCode, "Error"]);
      await own.cri.runtime.removeContainer({ containerId: id });
    }
    await own.cri.images.removeImage({ image });
  });

  test("asked for twice it is one stop, and a shorter time cuts the longer one short", async () => {
    const mount = { containerPath: "/seen", hostPath: own.daemon.directory };
    const id = await startReady(stubborn.replace("/got", "/seen/got"), { mounts: [mount] } as ContainerInit);
    const patient = own.cri.runtime.stopContainer({ containerId: id, timeout: 600n });
    await own.cri.until(id, "grep -q TERM /seen/got");
    const alsoPatient = own.cri.runtime.stopContainer({ containerId: id, timeout: 600n });
    await own.cri.runtime.stopContainer({ containerId: id, timeout: 1n });
    await Promise.all([patient, alsoPatient]);
    assert.equal(await readFile(path.join(own.daemon.directory, "got"), "utf8"), "TERM\n", "asked once");
    assert.deepEqual(await endOf(id), [137, "Error"]);
  });

  test("a client that leaves does not take its stop along", async () => {
    const id = await startReady(stubborn);
    const client = new AbortController();
    const stop = own.cri.runtime.stopContainer({ containerId: id, timeout: 2n }, { signal: client.signal });
    await own.cri.until(id, "grep -q TERM /got");
    client.abort();
    await assert.rejects(stop);
    const { exitCode } = await own.cri.exited(id);
    assert.equal(exitCode, 137);
  });

  test("succeeds for one that has ended, never ran, or is unknown", async () => {
    const { runtime } = own.cri;
    const ended = await own.cri.startScript(pod, "exit 4");
    await own.cri.exited(ended);
    const created = await own.cri.create(pod);
    for (const containerId of [ended, created, unknownId]) {
      for (const timeout of [0n, 10n]) await runtime.stopContainer({ containerId, timeout });
    }
    assert.deepEqual(await endOf(ended), [4, "Error"], "what it ended with stays");
    await runtime.removeContainer({ containerId: unknownId });
  });

  test("of its whole pod says what it could not take away, until it can", async (t) => {
    const podSandboxId = await own.cri.runPod({}, {});
    const stuck = path.join(own.daemon.state, "runtime/shims", podSandboxId, "stuck");
    await mkdir(stuck);
    mountOne({ type: "tmpfs", source: own.daemon.mark, options: [] }, stuck);
    t.after(async () => await unmountAll(stuck));
    for (let time = 1; time <= 2; time++) {
      await assert.rejects(own.cri.runtime.stopPodSandbox({ podSandboxId }), /EBUSY/);
    }
    await unmountAll(stuck);
    await own.cri.removePod(podSandboxId);
    await assert.rejects(stat(path.dirname(stuck)), { code: "ENOENT" });
  });

  test("removing a running one kills it first", async () => {
    const id = await startReady(stubborn);
    await own.cri.runtime.removeContainer({ containerId: id });
    await assert.rejects(own.cri.status(id), refused("NotFound", id));
  });

  test("stopping and removing at the same time end well", async () => {
    const ids = await Promise.all([1, 2, 3, 4].map(async () => await own.cri.start(pod)));
    const { runtime } = own.cri;
    await Promise.all(
      ids.flatMap((containerId) => [
        runtime.stopContainer({ containerId, timeout: 0n }),
        runtime.removeContainer({ containerId }),
        runtime.stopContainer({ containerId, timeout: 1n }),
        runtime.removeContainer({ containerId }),
      ]),
    );
    for (const id of ids) await assert.rejects(own.cri.status(id), refused("NotFound", id));
  });
});
