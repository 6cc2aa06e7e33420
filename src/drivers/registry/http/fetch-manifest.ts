// SPDX-License-Identifier: Apache-2.0
// Manifests by tag or digest (distribution specification, "Pulling manifests"): their digest alone with HEAD, or their
// bytes, which must have the digest that was asked for.

import { createHash } from "node:crypto";
import { type Digest, digestAlgorithm, isDigest, parseDigest } from "../../../base/digest.ts";
import { EngineError } from "../../../base/errors.ts";
import type { FetchedManifest } from "../../../core/transfer/registry.ts";
import { type Descriptor, mediaTypes } from "../../../oci/image/descriptor.ts";
import { maximumManifestBytes, parseManifestDocument } from "../../../oci/image/parse-documents.ts";
import { formatReference } from "../../../oci/reference/reference.ts";
import type { Endpoint } from "./endpoint.ts";
import { connectionError, readRegistryError } from "./http-errors.ts";
import type { Access, RegistryClient } from "./registry-client.ts";
import { isRetriedStatus } from "./retry.ts";
import { type HttpResponse, headerOf } from "./transport.ts";

const acceptedTypes = [
  mediaTypes.ociIndex,
  mediaTypes.ociManifest,
  mediaTypes.dockerManifestList,
  mediaTypes.dockerManifest,
].join(", ");

/** The descriptor by HEAD; by GET where the registry does not say enough in its headers. */
export async function resolveManifest(client: RegistryClient, access: Access): Promise<Descriptor> {
  return await client.firstOf(access, { capability: "resolve" }, async (endpoint) => {
    const response = await callManifest(client, endpoint, access, "HEAD");
    if (isRetriedStatus(response.status)) throw await client.failure(access, response);
    await response.body.dump();
    const { digest } = access.reference;
    const announced = headerOf(response, "docker-content-digest");
    const mediaType = headerOf(response, "content-type")?.split(";")[0]?.trim() ?? "";
    const size = Number(headerOf(response, "content-length"));
    const isKnown = response.status === 200 && isDigest(announced) && acceptedTypes.split(", ").includes(mediaType);
    const isTheOne = digest === undefined || digest === announced;
    if (isKnown && isTheOne && Number.isSafeInteger(size) && size > 0) return { mediaType, digest: announced, size };
    return (await fetchFrom(client, endpoint, access)).descriptor;
  });
}

/** The manifest with the reference's digest, or under its tag. */
export async function fetchManifest(client: RegistryClient, access: Access): Promise<FetchedManifest> {
  const capability = access.reference.digest === undefined ? "resolve" : "pull";
  return await client.firstOf(access, { capability }, async (endpoint) => await fetchFrom(client, endpoint, access));
}

async function fetchFrom(client: RegistryClient, endpoint: Endpoint, access: Access): Promise<FetchedManifest> {
  const { reference } = access;
  const response = await callManifest(client, endpoint, access, "GET");
  if (response.status === 404) {
    const detail = await readRegistryError(response);
    const reason = /^(manifest|name|repository name) /.test(detail) ? detail : "manifest unknown";
    throw new EngineError("not-found", `manifest for ${formatReference(reference)} not found: ${reason}`);
  }
  if (response.status !== 200) throw await client.failure(access, response);
  const bytes = await readManifestBytes(response, access);
  const digest = digestOf(bytes, reference.digest);
  if (reference.digest !== undefined && digest !== reference.digest) {
    throw new EngineError("data-loss", `manifest for ${formatReference(reference)} has the digest ${digest} instead`);
  }
  const { mediaType } = parseManifestDocument(bytes, headerOf(response, "content-type"));
  return { descriptor: { mediaType, digest, size: bytes.byteLength }, bytes };
}

async function callManifest(client: RegistryClient, endpoint: Endpoint, access: Access, method: "GET" | "HEAD") {
  const { digest, tag = "latest" } = access.reference;
  return await client.call(endpoint, access, {
    method,
    target: ["manifests", digest ?? tag],
    headers: { accept: acceptedTypes },
  });
}

async function readManifestBytes(response: HttpResponse, { reference, signal }: Access): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of response.body as AsyncIterable<Buffer>) {
      size += chunk.byteLength;
      if (size > maximumManifestBytes) {
        const text = `manifest for ${formatReference(reference)} is larger than ${maximumManifestBytes} bytes`;
        throw new EngineError("resource-exhausted", text);
      }
      chunks.push(chunk);
    }
  } catch (error) {
    throw connectionError(reference.domain, error, signal);
  }
  return Buffer.concat(chunks);
}

/** In the algorithm of the digest that is expected, sha256 where none is. */
function digestOf(bytes: Uint8Array, expected: Digest | undefined): Digest {
  const algorithm = expected === undefined ? "sha256" : digestAlgorithm(expected);
  return parseDigest(`${algorithm}:${createHash(algorithm).update(bytes).digest("hex")}`);
}
