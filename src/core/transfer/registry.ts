// SPDX-License-Identifier: Apache-2.0
// The registry client as the engine sees it: manifests and blobs of a repository, by reference.
//
// Mirrors, authentication, retries, redirects and broken connections are the implementation's business: what comes back
// is the answer or the last failure. Errors carry these codes: not-found (no such manifest, blob or repository),
// unauthenticated (401), permission-denied (403), resource-exhausted (429 to the end, or a document over its limit),
// unavailable (no connection, bad certificate, 5xx), data-loss (bytes that are not what the registry announced).
//
// Credentials belong to the registry of the reference's domain. They are never sent to a mirror, to the target of a
// redirect on another host, to a foreign URL of a layer, or over plain HTTP to a host that is not spoken to so anyway.

import type { Descriptor } from "../../oci/image/descriptor.ts";
import type { Reference } from "../../oci/reference/reference.ts";

/** What a user proves itself with, in the fields of Docker's AuthConfig; the first that is present counts, bottom up. */
export interface RegistryCredentials {
  readonly username?: string;
  readonly password?: string;
  /** A refresh token that the token service exchanges. */
  readonly identityToken?: string;
  /** A bearer token for the registry itself. */
  readonly registryToken?: string;
}

export interface RegistryOptions {
  readonly credentials?: RegistryCredentials;
  readonly signal: AbortSignal;
}

/** A manifest or index as it stands in the registry; the digest of the bytes has been checked. */
export interface FetchedManifest {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
}

export interface BlobOptions extends RegistryOptions {
  /** The first byte wanted, 0 by default. */
  readonly offset?: number;
}

/** What became of a blob that was pushed. */
export type PushedBlob = { readonly kind: "pushed" | "exists" } | { readonly kind: "mounted"; readonly from: string };

export interface PushBlobOptions extends RegistryOptions {
  /** Paths of repositories of the same registry that may hold the blob already (library/busybox). */
  readonly mountFrom?: readonly string[];
  /** Bytes handed to the registry so far; goes back to 0 when an upload starts over. */
  readonly onProgress?: (bytes: number) => void;
}

/** Owned by the daemon; disposing closes its connections. */
export interface Registry extends AsyncDisposable {
  /** What the tag (or the digest, which wins) of the reference names now, without fetching it where that is possible. */
  resolve(reference: Reference, options: RegistryOptions): Promise<Descriptor>;
  /** The manifest or index with the reference's digest, or else under its tag; at most 4 MiB. */
  fetchManifest(reference: Reference, options: RegistryOptions): Promise<FetchedManifest>;
  /**
   * The blob's bytes from offset to the end that the descriptor's size says, over as many connections as it takes;
   * data-loss when the registry has fewer or more. The digest is the content store's to check.
   */
  openBlob(reference: Reference, descriptor: Descriptor, options: BlobOptions): AsyncIterable<Uint8Array>;
  hasBlob(reference: Reference, descriptor: Descriptor, options: RegistryOptions): Promise<boolean>;
  /** Makes the registry hold the blob; open gives its bytes, once for each attempt. */
  pushBlob(
    reference: Reference,
    descriptor: Descriptor,
    open: () => AsyncIterable<Uint8Array>,
    options: PushBlobOptions,
  ): Promise<PushedBlob>;
  /** Puts the manifest under the reference's tag, or under its digest where it has none. */
  pushManifest(reference: Reference, manifest: FetchedManifest, options: RegistryOptions): Promise<void>;
  /** Checks the credentials; an identity token comes back where the registry gives one to keep instead of a password. */
  login(
    domain: string,
    credentials: RegistryCredentials,
    options: { readonly signal: AbortSignal },
  ): Promise<{ readonly identityToken?: string }>;
}

/** What a pull needs of it. */
export type RegistryReader = Pick<Registry, "resolve" | "fetchManifest" | "openBlob">;
