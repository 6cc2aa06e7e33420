// SPDX-License-Identifier: Apache-2.0
// Uploads a blob (distribution specification, "Pushing blobs"): nothing where the registry has it, a mount from another
// repository where that is allowed, else one POST and one PUT. A broken upload starts over.

import { EngineError, unavailable } from "../../../base/errors.ts";
import type { PushBlobOptions, PushedBlob } from "../../../core/transfer/registry.ts";
import type { Descriptor } from "../../../oci/image/descriptor.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Access, RegistryClient } from "./registry-client.ts";
import { isRetriedStatus, isTransient, pause } from "./retry.ts";
import { type HttpResponse, headerOf } from "./transport.ts";

export interface Upload {
  readonly descriptor: Descriptor;
  readonly open: () => AsyncIterable<Uint8Array>;
  readonly options: PushBlobOptions;
}

export async function hasBlob(
  client: RegistryClient,
  endpoint: Endpoint,
  access: Access,
  descriptor: Descriptor,
): Promise<boolean> {
  const response = await client.call(endpoint, access, { method: "HEAD", target: ["blobs", descriptor.digest] });
  await response.body.dump();
  if (response.status === 200) return true;
  if (response.status === 404) return false;
  throw await client.failure(access, response);
}

/** Makes the registry hold the blob. */
export async function pushBlob(client: RegistryClient, access: Access, upload: Upload): Promise<PushedBlob> {
  const endpoint = await client.server(access);
  if (await hasBlob(client, endpoint, access, upload.descriptor)) return { kind: "exists" };
  let location: URL | undefined;
  for (const from of upload.options.mountFrom ?? []) {
    const answer = await startUpload(
      client,
      endpoint,
      { ...access, mountFrom: [from] },
      { mount: upload.descriptor.digest, from },
    );
    if (answer === undefined) return { kind: "mounted", from };
    location = answer;
  }
  for (let attempt = 1; ; attempt++) {
    location ??= await startUpload(client, endpoint, access, {});
    if (location === undefined)
      throw unavailable(`registry ${access.reference.domain} accepted an upload before it began`);
    const failure = await sendBytes(client, endpoint, access, { ...upload, location });
    if (failure === undefined) return { kind: "pushed" };
    if (attempt >= client.policy.attempts || access.signal.aborted || !failure.isTransient) throw failure.error;
    location = undefined;
    await pause(client.policy, attempt, { signal: access.signal });
  }
}

/** Where to send the bytes; undefined when the registry mounted the blob from elsewhere and needs none. */
async function startUpload(
  client: RegistryClient,
  endpoint: Endpoint,
  access: Access,
  query: Readonly<Record<string, string>>,
): Promise<URL | undefined> {
  const response = await client.call(endpoint, access, {
    method: "POST",
    target: ["blobs", "uploads/"],
    query,
    body: { bytes: new Uint8Array() },
  });
  if (response.status === 201 && query["mount"] !== undefined) {
    await response.body.dump();
    return undefined;
  }
  if (response.status !== 202) throw await client.failure(access, response);
  await response.body.dump();
  return uploadLocation(endpoint, access, response);
}

/** A registry behind a proxy may not know that it is reached over https; plain http to anyone else is refused. */
function uploadLocation(endpoint: Endpoint, access: Access, response: HttpResponse): URL {
  const location = URL.parse(headerOf(response, "location") ?? "", endpoint.base.href);
  if (location === null || (location.protocol !== "https:" && location.protocol !== "http:")) {
    throw unavailable(`registry ${access.reference.domain} began an upload without a usable location`);
  }
  if (location.protocol === "http:" && endpoint.base.protocol === "https:") {
    if (location.hostname !== endpoint.base.hostname) {
      throw unavailable(`registry ${access.reference.domain} wants an upload over plain http to ${location.host}`);
    }
    const secured = new URL(endpoint.base.origin);
    secured.pathname = location.pathname;
    secured.search = location.search;
    return secured;
  }
  return location;
}

interface UploadFailure {
  readonly error: Error;
  readonly isTransient: boolean;
}

async function sendBytes(
  client: RegistryClient,
  endpoint: Endpoint,
  access: Access,
  { descriptor, open, options, location }: Upload & { readonly location: URL },
): Promise<UploadFailure | undefined> {
  let response: HttpResponse;
  try {
    response = await client.call(endpoint, access, {
      method: "PUT",
      target: location,
      query: { digest: descriptor.digest },
      headers: { "content-type": "application/octet-stream" },
      body: { open: () => counted(open(), options.onProgress), length: descriptor.size },
    });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { error, isTransient: isTransient(error) };
  }
  if (response.status === 201) {
    await response.body.dump();
    return undefined;
  }
  const failure = await client.failure(access, response);
  const error =
    response.status === 400 ? new EngineError("data-loss", `blob ${descriptor.digest}: ${failure.message}`) : failure;
  return { error, isTransient: isRetriedStatus(response.status) };
}

async function* counted(source: AsyncIterable<Uint8Array>, onProgress: ((bytes: number) => void) | undefined) {
  let bytes = 0;
  onProgress?.(0);
  for await (const chunk of source) {
    yield chunk;
    bytes += chunk.byteLength;
    onProgress?.(bytes);
  }
}
