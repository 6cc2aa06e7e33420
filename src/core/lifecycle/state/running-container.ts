// SPDX-License-Identifier: Apache-2.0
// What the daemon holds in memory of a container that runs: rebuilt from the runtime when a daemon starts.

import type { Process, Task } from "../../tasks/task-runtime.ts";
import type { ContainerIo } from "./container-io.ts";

/** An exec while it runs. */
export interface RunningExec {
  readonly id: string;
  readonly process: Process;
  readonly terminal: boolean;
  /** Resolves when it has ended, or was lost, and everything of it has been given back. */
  readonly ended: Promise<void>;
}

export interface RunningContainer {
  readonly task: Task;
  readonly io: ContainerIo;
  readonly execs: Map<string, RunningExec>;
  /** Resolves when its exit has been recorded and what it used has been given back. */
  readonly settled: Promise<void>;
  /** Whether it has been asked to end: a second time many programs take as an order to give up at once. */
  askedToStop: boolean;
  /** It is to run again after this exit: one that goes with its exit stays. */
  isRestarting: boolean;
}
