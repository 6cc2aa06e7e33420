// SPDX-License-Identifier: Apache-2.0
// Volumes: directories that outlive containers, and the seam that makes them.
//
// A volume has a name (64 hexadecimal digits for an anonymous one) and a directory, and is removed only when no container
// has it. Data is never thrown away on a guess: a directory without a record is adopted when there is anything in it.

import { defineTable, type Reader } from "../../storage/store.ts";

export interface VolumeRecord {
  readonly name: string;
  /** Its directory on the host. */
  readonly path: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Made without a name, for one container. */
  readonly anonymous: boolean;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  /** Removing has begun: nobody may use it any more. */
  readonly removing?: true;
}

/** Volumes by name. */
export const volumeTable = defineTable<VolumeRecord>("volumes");

/** Where volumes are kept. Every method may be repeated after a crash half-way. */
export interface VolumeDriver extends AsyncDisposable {
  /** Its name in the configuration, such as "local". */
  readonly id: string;
  /** Makes the directory if it is not there; answers with its path. */
  create(name: string): Promise<string>;
  /** Removes it with all that is in it; succeeds when it is not there. */
  remove(name: string): Promise<void>;
  /** Names that have a directory. */
  list(): Promise<readonly string[]>;
  isEmpty(name: string): Promise<boolean>;
  /** Bytes of all that is in it, each file once however many names it has. */
  usage(name: string, options: { readonly signal: AbortSignal }): Promise<number>;
}

/** The host's files, as far as binds need them. */
export interface BindSources {
  /** not-found when it is not there; with create a missing one becomes a directory. */
  check(source: string, options: { readonly create: boolean }): Promise<void>;
  /** The mount that the source lies on, and whether mounts spread from it (shared) or to it (slave). */
  mountOf(source: string): Promise<SourceMount>;
  /** Gives it and all below it this SELinux label; invalid-argument for what the host itself lives in. */
  relabel(source: string, label: string): Promise<void>;
}

export interface SourceMount {
  readonly mountPoint: string;
  readonly shared: boolean;
  readonly slave: boolean;
}

/** The ids of the containers that have this volume, seen through the reader of a transaction. */
export type VolumeUsers = (reader: Reader, name: string) => readonly string[];
