// SPDX-License-Identifier: Apache-2.0

import { after, before } from "node:test";
import type { BerthClient } from "../../sdk/src/index.ts";
import { type DaemonOptions, startDaemon, type TestDaemon } from "./daemon.ts";

/** The daemon of a suite: there while its tests run. */
export interface SuiteDaemon {
  readonly daemon: TestDaemon;
  readonly client: BerthClient;
}

/** Call it in the body of a suite: its hooks start a daemon with a busybox image and close it, whatever happened. */
export function suiteDaemon(options: DaemonOptions = {}): SuiteDaemon {
  const closers: (() => Promise<void>)[] = [];
  let started: TestDaemon | undefined;
  before(async () => {
    started = await startDaemon({ after: (work) => void closers.push(work) }, options);
    await started.importBusybox();
  });
  after(async () => {
    for (const close of closers) await close();
  });
  const current = () => {
    if (started === undefined) throw new Error("the suite's daemon was asked for before its tests");
    return started;
  };
  return {
    get daemon() {
      return current();
    },
    get client() {
      return current().client;
    },
  };
}
