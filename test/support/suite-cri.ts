// SPDX-License-Identifier: Apache-2.0

import { after, before } from "node:test";
import { messageOf } from "../../src/base/errors.ts";
import { NamespaceMode } from "../../src/gen/runtime/v1/api_pb.js";
import { CriTester, criSocket, removeAllPods } from "./cri-client.ts";
import type { DaemonOptions, TestDaemon } from "./daemon.ts";
import { assertSameTraces, tracesOf } from "./engine-traces.ts";
import { suiteDaemon } from "./suite-daemon.ts";

/** The daemon of a suite and its CRI: there while its tests run. */
export interface SuiteCri {
  readonly daemon: TestDaemon;
  readonly cri: CriTester;
  /** What there was before the first pod of a test. */
  readonly traces: readonly string[];
}

/** Call it in the body of a suite, as suiteDaemon. What is left in store and kernel without its pods fails the suite. */
export function suiteCri(options: DaemonOptions = {}): SuiteCri {
  let started: SuiteCri | undefined;
  const failures: unknown[] = [];
  // Before the hook that closes the daemon, which must run whatever this one finds: a hook that fails is the last.
  after(async () => {
    try {
      if (started === undefined) return;
      await removeAllPods(criSocket(started.daemon));
      await assertSameTraces(started.daemon, started.traces, "by the suite");
    } catch (error) {
      failures.push(error);
    }
  });
  const own = suiteDaemon(options);
  after(() => {
    if (failures.length > 0) throw new Error(messageOf(failures[0]), { cause: failures[0] });
  });
  before(async () => {
    const { daemon } = own;
    const cri = new CriTester(daemon);
    // What the first pod makes for all.
    const id = await cri.runPod({}, { network: NamespaceMode.POD, pid: NamespaceMode.POD });
    await cri.start(id);
    await cri.removePod(id);
    started = { daemon, cri, traces: await tracesOf(daemon) };
  });
  const current = () => {
    if (started === undefined) throw new Error("the suite's CRI was asked for before its tests");
    return started;
  };
  return {
    get daemon() {
      return current().daemon;
    },
    get cri() {
      return current().cri;
    },
    get traces() {
      return current().traces;
    },
  };
}
