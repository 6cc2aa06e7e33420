// SPDX-License-Identifier: Apache-2.0
// The bytes of a blob, over as many connections as it takes: after a break it goes on with a ranged request (RFC 9110,
// 14). A server that ignores the range, or answers another one, is read from the start and what is known is dropped. Gives
// up when several connections in a row brought nothing new.

import { EngineError, hasCode, toEngineError, unavailable } from "../../../base/errors.ts";
import type { Descriptor } from "../../../oci/image/descriptor.ts";
import { defaultTls, type Endpoint } from "./endpoint.ts";
import { connectionError } from "./http-errors.ts";
import type { Access, RegistryClient } from "./registry-client.ts";
import { isTransient, pause } from "./retry.ts";
import { type HttpResponse, headerOf } from "./transport.ts";

/** Its bytes from offset to the end. */
export async function* readBlob(
  client: RegistryClient,
  access: Access,
  descriptor: Descriptor,
  start: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { domain } = access.reference;
  let offset = start;
  for (let failures = 0; offset < descriptor.size; ) {
    const before = offset;
    // A mirror that broke off twice is not asked a third time.
    const opened = await openAt(client, access, { descriptor, offset, skipMirrors: failures >= 2 });
    let known = offset - opened.offset;
    let failure: unknown;
    try {
      for await (const chunk of opened.body) {
        const fresh = chunk.subarray(Math.min(known, chunk.byteLength));
        known -= chunk.byteLength - fresh.byteLength;
        if (fresh.byteLength === 0) continue;
        offset += fresh.byteLength;
        if (offset > descriptor.size) throw wrongSize(descriptor, `more than ${descriptor.size} bytes`);
        yield fresh;
      }
      if (offset === descriptor.size) return;
      failure = unavailable(`blob ${descriptor.digest} ended after ${offset} of ${descriptor.size} bytes`);
    } catch (error) {
      if (access.signal.aborted || !isTransient(error)) throw connectionError(domain, error, access.signal);
      failure = error;
    }
    failures = offset > before ? 1 : failures + 1;
    if (failures >= client.policy.attempts) throw connectionError(domain, failure, access.signal);
    await pause(client.policy, failures, { signal: access.signal });
  }
}

/** The server answered a range that was not asked for. */
class RangeIgnored extends Error {}

interface OpenedBlob {
  /** Of the first byte of the body. */
  readonly offset: number;
  readonly body: AsyncIterable<Uint8Array>;
}

interface Wanted {
  readonly descriptor: Descriptor;
  readonly offset: number;
  readonly skipMirrors: boolean;
}

async function openAt(client: RegistryClient, access: Access, wanted: Wanted): Promise<OpenedBlob> {
  const { skipMirrors } = wanted;
  const open = async (endpoint: Endpoint) => {
    try {
      return await openFrom(client, endpoint, access, wanted);
    } catch (error) {
      if (!(error instanceof RangeIgnored)) throw error;
      return await openFrom(client, endpoint, access, { ...wanted, offset: 0 });
    }
  };
  try {
    return await client.firstOf(access, { capability: "pull", skipMirrors }, open);
  } catch (error) {
    const urls = wanted.descriptor.urls ?? [];
    if (!hasCode(error, "not-found") || urls.length === 0) throw error;
    return await openForeign(client, access, { ...wanted, urls });
  }
}

async function openFrom(
  client: RegistryClient,
  endpoint: Endpoint,
  access: Access,
  { descriptor, offset, url }: { readonly descriptor: Descriptor; readonly offset: number; readonly url?: URL },
): Promise<OpenedBlob> {
  const response = await client.call(endpoint, access, {
    method: "GET",
    target: url ?? ["blobs", descriptor.digest],
    headers: offset > 0 ? { range: `bytes=${offset}-` } : {},
  });
  const { status } = response;
  if (status === 200 || (status === 206 && offset > 0)) {
    try {
      return {
        offset: status === 200 ? checkWhole(response, descriptor) : checkRange(response, descriptor, offset),
        body: response.body,
      };
    } catch (error) {
      response.body.destroy();
      throw error;
    }
  }
  if (status === 416 && offset > 0) {
    await response.body.dump();
    throw new RangeIgnored();
  }
  const failure = await client.failure(access, response);
  if (failure.code !== "not-found") throw failure;
  throw new EngineError(
    "not-found",
    `no such blob: ${descriptor.digest} in ${access.reference.domain}/${access.reference.path}`,
    {
      cause: failure,
    },
  );
}

/** Places outside the registry that a layer names: over https only, without credentials, headers or certificates of ours. */
async function openForeign(
  client: RegistryClient,
  access: Access,
  {
    descriptor,
    offset,
    urls,
  }: { readonly descriptor: Descriptor; readonly offset: number; readonly urls: readonly string[] },
): Promise<OpenedBlob> {
  let failure = new EngineError("not-found", `no such blob: ${descriptor.digest} has no https url`);
  for (const text of urls) {
    const url = URL.parse(text);
    if (url === null || url.protocol !== "https:" || url.username !== "") continue;
    const endpoint: Endpoint = {
      base: new URL(url.origin),
      capabilities: ["pull"],
      tls: defaultTls,
      headers: {},
      isMirror: false,
      overridePath: false,
    };
    try {
      return await openFrom(client, endpoint, { ...access, credentials: undefined }, { descriptor, offset, url });
    } catch (error) {
      if (access.signal.aborted) throw error;
      failure = toEngineError(error);
    }
  }
  throw failure;
}

function checkWhole(response: HttpResponse, descriptor: Descriptor): number {
  const length = headerOf(response, "content-length");
  if (length !== undefined && Number(length) !== descriptor.size) throw wrongSize(descriptor, `${length} bytes`);
  return 0;
}

function checkRange(response: HttpResponse, descriptor: Descriptor, offset: number): number {
  const range = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(headerOf(response, "content-range")?.trim() ?? "");
  if (range === null || Number(range[1]) !== offset) throw new RangeIgnored();
  if (range[3] !== "*" && Number(range[3]) !== descriptor.size) throw wrongSize(descriptor, `${range[3]} bytes`);
  return offset;
}

function wrongSize(descriptor: Descriptor, found: string): EngineError {
  return new EngineError(
    "data-loss",
    `blob ${descriptor.digest} has ${found} in the registry and ${descriptor.size} in the manifest`,
  );
}
