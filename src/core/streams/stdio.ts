// SPDX-License-Identifier: Apache-2.0

/** Paths of FIFOs; undefined is /dev/null. With a terminal there is no stderr. */
export interface Stdio {
  readonly stdin?: string;
  readonly stdout?: string;
  readonly stderr?: string;
  readonly terminal: boolean;
}
