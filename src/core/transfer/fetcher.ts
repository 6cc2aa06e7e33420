// SPDX-License-Identifier: Apache-2.0
// Brings what a registry has into the content store: documents whole, blobs through an ingest of their own, which a
// later try goes on with. Everything is leased before it is looked for.

import { EngineError, hasCode } from "../../base/errors.ts";
import { failpoint } from "../../base/failpoint.ts";
import type { KeyedLock } from "../../base/keyed-lock.ts";
import type { Descriptor } from "../../oci/image/descriptor.ts";
import { maximumManifestBytes } from "../../oci/image/parse-documents.ts";
import { type Reference, repositoryOf } from "../../oci/reference/reference.ts";
import type { ContentStore } from "../content/content.ts";
import type { Lease } from "../leases/lease-manager.ts";
import type { RegistryCredentials, RegistryReader } from "./registry.ts";

export interface FetcherDeps {
  readonly registry: RegistryReader;
  readonly content: ContentStore;
  /** By digest: a blob that two images need is fetched by one of them. */
  readonly blobLocks: KeyedLock;
}

/** For whom, from where, and what keeps the result. */
export interface FetchContext {
  readonly reference: Reference;
  readonly credentials: RegistryCredentials | undefined;
  readonly lease: Lease;
  readonly signal: AbortSignal;
}

export interface BlobEvents {
  readonly onBytes: (bytes: number) => void;
  readonly onVerify: () => void;
}

/** The bytes of a manifest or index, which is in the content store from then on. */
export async function fetchDocument(
  deps: FetcherDeps,
  context: FetchContext,
  descriptor: Descriptor,
): Promise<Uint8Array> {
  const { content, registry } = deps;
  const { digest, size } = descriptor;
  if (size > maximumManifestBytes) throw tooLarge("manifest", descriptor, maximumManifestBytes);
  await context.lease.add({ kind: "content", id: digest });
  using _lock = await deps.blobLocks.acquire(digest, context);
  if (content.find(digest) !== undefined) return await content.read(digest, { maximumBytes: maximumManifestBytes });
  const { domain, path } = context.reference;
  const { bytes } = await registry.fetchManifest({ domain, path, digest }, registryOptions(context));
  await using ingest = await content.ingest(ingestReference(descriptor), context);
  await ingest.restart();
  await ingest.write(bytes);
  await ingest.commit({ digest, size });
  return bytes;
}

/** Makes the blob be in the content store; false when it was there already. */
export async function fetchBlob(
  deps: FetcherDeps,
  context: FetchContext,
  descriptor: Descriptor,
  events: BlobEvents,
): Promise<boolean> {
  const { digest } = descriptor;
  await context.lease.add({ kind: "content", id: digest }, { kind: "ingest", id: ingestReference(descriptor) });
  using _lock = await deps.blobLocks.acquire(digest, context);
  if (isPresent(deps.content, descriptor)) return false;
  const resumed = await download(deps, context, descriptor, events);
  // What an earlier try left may be the part that is wrong: the mismatch has thrown it away.
  if (resumed === "mismatch") await download(deps, context, descriptor, events);
  return true;
}

/** Whether the blob is here; data-loss when the registry says another size than its bytes have. */
export function isPresent(content: ContentStore, descriptor: Descriptor): boolean {
  const known = content.find(descriptor.digest);
  if (known === undefined) return false;
  if (known.size === descriptor.size) return true;
  throw new EngineError(
    "data-loss",
    `blob ${descriptor.digest} has ${known.size} bytes and ${descriptor.size} in the manifest`,
  );
}

export function tooLarge(what: string, { digest, size }: Descriptor, maximum: number): EngineError {
  return new EngineError("resource-exhausted", `${what} ${digest} of ${size} bytes is larger than ${maximum}`);
}

export function registryOptions({ credentials, signal }: Pick<FetchContext, "credentials" | "signal">) {
  return { signal, ...(credentials !== undefined && { credentials }) };
}

async function download(
  { content, registry }: FetcherDeps,
  context: FetchContext,
  descriptor: Descriptor,
  { onBytes, onVerify }: BlobEvents,
): Promise<"done" | "mismatch"> {
  const { digest, size } = descriptor;
  await using ingest = await content.ingest(ingestReference(descriptor), context);
  if (ingest.offset > size) await ingest.restart();
  const isResumed = ingest.offset > 0;
  onBytes(ingest.offset);
  const options = { ...registryOptions(context), offset: ingest.offset };
  try {
    for await (const chunk of registry.openBlob(context.reference, descriptor, options)) {
      await ingest.write(chunk);
      onBytes(ingest.offset);
      await failpoint("transfer.blob.chunk");
    }
  } catch (error) {
    // Kept for a later try, it would keep the disk full, and nothing else could go on.
    if (hasCode(error, "resource-exhausted")) await ingest.restart();
    throw error;
  }
  onVerify();
  try {
    await ingest.commit({ digest, size });
    return "done";
  } catch (error) {
    if (!hasCode(error, "data-loss")) throw error;
    if (isResumed) return "mismatch";
    throw new EngineError(
      "data-loss",
      `blob ${digest} of ${repositoryOf(context.reference)}: ${(error as Error).message}`,
      {
        cause: error,
      },
    );
  }
}

function ingestReference({ digest }: Descriptor): string {
  return `pull-${digest}`;
}
