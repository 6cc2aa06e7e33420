// SPDX-License-Identifier: Apache-2.0
// What critest is pointed at: an engine that a run starts for itself, in a directory of its own, and ends.

/** An OCI runtime as the run's engine gets it. */
export interface RuntimeSetup {
  /** Name of the CRI runtime handler. */
  readonly handler: string;
  /** Absolute paths. */
  readonly shim: string;
  readonly binary: string;
}

export interface EngineOptions {
  /** Scratch of this run. */
  readonly directory: string;
  readonly runtime: RuntimeSetup;
  /** Directories with HOST/hosts.toml: every registry that critest names is mirrored. */
  readonly hostsDirectory: string;
  /** CNI configuration of the pods' network. */
  readonly networkDirectory: string;
}

export interface Engine {
  /** Unix socket of runtime and image service. */
  readonly socket: string;
  readonly logFile: string;
  /** Ends it. */
  close(): Promise<void>;
}
