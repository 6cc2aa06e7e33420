// SPDX-License-Identifier: Apache-2.0
// Digests as the OCI image specification writes them (descriptor.md, "Digests"): algorithm ":" encoded. Only sha256 and
// sha512 are registered with an encoded form; anything else is refused before it becomes a path or part of a URL.

import { invalidArgument } from "./errors.ts";

declare const digestBrand: unique symbol;

/** A checked digest, for example sha256: followed by 64 lower-case hexadecimal digits. */
export type Digest = string & { readonly [digestBrand]: true };

/** The registered algorithms. */
export type DigestAlgorithm = "sha256" | "sha512";

const digestPattern = /^(?:sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$/;

/** Whether it is a text in one of the registered forms. */
export function isDigest(text: unknown): text is Digest {
  return typeof text === "string" && digestPattern.test(text);
}

/** The checked digest, or invalid-argument. */
export function parseDigest(text: unknown): Digest {
  if (!isDigest(text))
    throw invalidArgument(`malformed digest ${JSON.stringify(text)}: expected sha256:<64 hex digits>`);
  return text;
}

/** The part before the colon. */
export function digestAlgorithm(digest: Digest): DigestAlgorithm {
  return digest.slice(0, 6) as DigestAlgorithm;
}

/** The hexadecimal part. */
export function digestHex(digest: Digest): string {
  return digest.slice(7);
}

/** The digest of 64 hexadecimal digits, or invalid-argument. */
export function sha256Digest(hex: string): Digest {
  return parseDigest(`sha256:${hex}`);
}
