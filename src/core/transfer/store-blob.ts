// SPDX-License-Identifier: Apache-2.0
// Puts what the engine itself makes or receives whole into the content store, under a lease.

import { randomUUID } from "node:crypto";
import type { Digest } from "../../base/digest.ts";
import type { Descriptor } from "../../oci/image/descriptor.ts";
import type { ContentStore } from "../content/content.ts";
import type { Lease } from "../leases/lease-manager.ts";

/** Stores a JSON document as a blob. */
export async function storeDocument(
  content: ContentStore,
  lease: Lease,
  mediaType: string,
  value: object,
): Promise<Descriptor> {
  const bytes = Buffer.from(JSON.stringify(value));
  const { digest, size } = await storeBlob(content, lease, async (write) => await write(bytes));
  return { mediaType, digest, size };
}

/** Where a blob went. */
export interface StoredBlob {
  readonly digest: Digest;
  readonly size: number;
}

/** Writes a blob, leased before it can be seen; data-loss when it is not the expected one. */
export async function storeBlob(
  content: ContentStore,
  lease: Lease,
  fill: (write: (bytes: Uint8Array) => Promise<void>) => Promise<void>,
  expected?: Digest,
): Promise<StoredBlob> {
  const reference = `archive-${randomUUID()}`;
  await lease.add({ kind: "ingest", id: reference });
  const { signal } = new AbortController(); // the reference is new: there is nothing to wait for
  try {
    await using ingest = await content.ingest(reference, { signal });
    await fill((bytes) => ingest.write(bytes));
    const digest = expected ?? ingest.digest();
    await lease.add({ kind: "content", id: digest });
    return await ingest.commit({ digest });
  } catch (error) {
    await content.removeIngest(reference);
    throw error;
  }
}
