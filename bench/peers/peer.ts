// SPDX-License-Identifier: Apache-2.0

import type { Contender } from "../interleave.ts";
import type { Rootfs } from "../rootfs.ts";

/** An engine made ready for the run; disposing ends it and removes what it made. */
export interface Peer extends AsyncDisposable {
  readonly contenders: readonly Contender[];
}

/** Why an engine takes no part. */
export interface MissingPeer {
  readonly missing: string;
}

export interface PeerOptions {
  /** Where it may put its files. */
  readonly directory: string;
  readonly rootfs: Rootfs;
  /** docker save's form of the image "localhost/bench:latest". */
  readonly archive: string;
}
