// SPDX-License-Identifier: Apache-2.0
// Which ids of a user namespace are which of the host (user_namespaces(7)).

/** A range of ids. */
export interface IdMapping {
  /** The first id inside. */
  readonly containerId: number;
  /** The first id outside. */
  readonly hostId: number;
  /** How many. */
  readonly size: number;
}

/** All of a user namespace. */
export interface IdMappings {
  readonly uidMappings: readonly IdMapping[];
  readonly gidMappings: readonly IdMapping[];
}
