// SPDX-License-Identifier: Apache-2.0
// Where the content driver keeps things: blobs/<algorithm>/<hex> and ingests/<hash of the reference>/{ref,data}.

import { createHash } from "node:crypto";
import path from "node:path";
import { type Digest, digestAlgorithm, digestHex } from "../../../base/digest.ts";

export function blobsPath(root: string): string {
  return path.join(root, "blobs");
}

export function blobPath(root: string, digest: Digest): string {
  return path.join(blobsPath(root), digestAlgorithm(digest), digestHex(digest));
}

export function ingestsPath(root: string): string {
  return path.join(root, "ingests");
}

/** The directory of an unfinished write; any reference gives a name that a file system takes. */
export function ingestPath(root: string, reference: string): string {
  return path.join(ingestsPath(root), createHash("sha256").update(reference).digest("hex"));
}

/** The reference in clear. */
export function referenceFile(directory: string): string {
  return path.join(directory, "ref");
}

/** The bytes so far. */
export function dataFile(directory: string): string {
  return path.join(directory, "data");
}
