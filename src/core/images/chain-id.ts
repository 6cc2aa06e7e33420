// SPDX-License-Identifier: Apache-2.0
// Chain ids (OCI image specification, config.md, "Layer ChainID"): what a stack of layers gives when it is unpacked.

import { createHash } from "node:crypto";
import { type Digest, sha256Digest } from "../../base/digest.ts";

/** The chain id of each layer with all below it, lowest first. */
export function chainIds(diffIds: readonly Digest[]): readonly Digest[] {
  const chain: Digest[] = [];
  for (const diffId of diffIds) {
    const below = chain.at(-1);
    chain.push(below === undefined ? diffId : hashOf(`${below} ${diffId}`));
  }
  return chain;
}

function hashOf(text: string): Digest {
  return sha256Digest(createHash("sha256").update(text).digest("hex"));
}
