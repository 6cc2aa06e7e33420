// SPDX-License-Identifier: Apache-2.0
// Images: names for content that can be unpacked and run.
//
// A record is a name and the descriptor it points at: a manifest, or an index of manifests for several platforms. The
// image itself is identified by the digest of its configuration; names that lead to the same configuration name the same
// image. An image that lost its last name to another image is *dangling*: it stays under a name of its digest that
// nobody can type.

import type { Digest } from "../../base/digest.ts";
import type { Descriptor } from "../../oci/image/descriptor.ts";
import type { ImageConfig } from "../../oci/image/documents.ts";
import { defineTable } from "../../storage/store.ts";

/** A name as it is stored. */
export interface ImageRecord {
  /** The normalised reference, docker.io/library/busybox:latest or …@sha256:…, or the name of a dangling image. */
  readonly name: string;
  readonly target: Descriptor;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** Image records by name. */
export const imageTable = defineTable<ImageRecord>("images");

/** An image as this machine sees it. */
export interface Image {
  /** Digest of the configuration. */
  readonly id: Digest;
  /** What its names point at. */
  readonly target: Descriptor;
  /** The manifest for this machine's platform; the target itself when that is no index. */
  readonly manifest: Descriptor;
  readonly config: ImageConfig;
  readonly layers: readonly Descriptor[];
  /** Normalised, tags only; none for a dangling image. */
  readonly names: readonly string[];
  /** Normalised, repository@digest. */
  readonly repoDigests: readonly string[];
  /** Bytes of configuration and layers as they are stored. */
  readonly size: number;
  /** Milliseconds since 1970, from the configuration; 0 when it does not say. */
  readonly createdAt: number;
}

const danglingPrefix = "<none>@";

/** The name under which an image without a name is kept. */
export function danglingName(digest: Digest): string {
  return danglingPrefix + digest;
}

/** Whether the record keeps an image that has lost its name. */
export function isDanglingName(name: string): boolean {
  return name.startsWith(danglingPrefix);
}
