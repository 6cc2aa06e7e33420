// SPDX-License-Identifier: Apache-2.0
// The registry client over HTTP: OCI distribution 1.1 and Docker Registry API v2.

import { EngineError, hasCode, unavailable } from "../../../base/errors.ts";
import type { Logger } from "../../../base/log.ts";
import type { Registry, RegistryCredentials, RegistryOptions } from "../../../core/transfer/registry.ts";
import type { Reference } from "../../../oci/reference/reference.ts";
import { registryDomain } from "../../../oci/reference/registry-domain.ts";
import { Authorizer } from "./authorizer.ts";
import type { Endpoint } from "./endpoint.ts";
import { Endpoints } from "./endpoints.ts";
import { fetchManifest, resolveManifest } from "./fetch-manifest.ts";
import { readRegistryError } from "./http-errors.ts";
import type { ProxyEnvironment } from "./proxy.ts";
import { hasBlob, pushBlob } from "./push-blob.ts";
import { readBlob } from "./read-blob.ts";
import { type Access, RegistryClient } from "./registry-client.ts";
import { Requester } from "./requester.ts";
import { defaultRetryPolicy, type RetryPolicy } from "./retry.ts";
import { Transport } from "./transport.ts";

export interface HttpRegistryOptions {
  readonly log: Logger;
  /** As in User-Agent: berth/<version>. */
  readonly userAgent: string;
  /** Directories with hosts.toml or certificates for each domain; the first that knows a domain counts. */
  readonly configPaths?: readonly string[];
  /** Domains (host or host:port) that are spoken to over plain HTTP. */
  readonly plainHttp?: readonly string[];
  /** Where HTTP_PROXY, HTTPS_PROXY and NO_PROXY are looked up. */
  readonly environment?: ProxyEnvironment;
  readonly retry?: RetryPolicy;
  /** Milliseconds, 30 seconds by default. */
  readonly connectTimeoutMs?: number;
  /** Milliseconds without a byte after which a connection is given up, a minute by default. */
  readonly stallTimeoutMs?: number;
}

/** A registry client; its owner disposes it. */
export function createHttpRegistry(options: HttpRegistryOptions): Registry {
  const transport = new Transport({
    userAgent: options.userAgent,
    environment: options.environment ?? {},
    connectTimeoutMs: options.connectTimeoutMs ?? 30_000,
    stallTimeoutMs: options.stallTimeoutMs ?? 60_000,
  });
  const requester = new Requester({ transport, policy: options.retry ?? defaultRetryPolicy });
  const authorizer = new Authorizer(requester);
  const endpoints = new Endpoints({ configPaths: options.configPaths ?? [], plainHttp: options.plainHttp ?? [] });
  const client = new RegistryClient({ endpoints, requester, authorizer, log: options.log });
  return {
    resolve: async (reference, given) => await resolveManifest(client, accessOf(reference, "pull", given)),
    fetchManifest: async (reference, given) => await fetchManifest(client, accessOf(reference, "pull", given)),
    openBlob: (reference, descriptor, given) =>
      readBlob(client, accessOf(reference, "pull", given), descriptor, given.offset ?? 0),
    hasBlob: async (reference, descriptor, given) => {
      const access = accessOf(reference, "pull", given);
      return await hasBlob(client, await client.server(access), access, descriptor);
    },
    pushBlob: async (reference, descriptor, open, given) =>
      await pushBlob(client, accessOf(reference, "pull,push", given), { descriptor, open, options: given }),
    pushManifest: async (reference, { descriptor, bytes }, given) => {
      const access = accessOf(reference, "pull,push", given);
      const response = await client.call(await client.server(access), access, {
        method: "PUT",
        target: ["manifests", reference.tag ?? descriptor.digest],
        headers: { "content-type": descriptor.mediaType },
        body: { bytes },
      });
      if (response.status !== 201) throw await client.failure(access, response);
      await response.body.dump();
    },
    login: async (address, credentials, { signal }) => {
      const domain = registryDomain(address);
      const access: Access = { reference: { domain, path: "" }, actions: "pull", credentials, signal };
      return await login({ client, authorizer, endpoint: await client.server(access) }, access, credentials);
    },
    [Symbol.asyncDispose]: async () => await transport[Symbol.asyncDispose](),
  };
}

function accessOf(reference: Reference, actions: Access["actions"], { credentials, signal }: RegistryOptions): Access {
  return { reference, actions, credentials, signal };
}

interface LoginDependencies {
  readonly client: RegistryClient;
  readonly authorizer: Authorizer;
  readonly endpoint: Endpoint;
}

/** Asks for the base of the API, which every registry that knows users protects. */
async function login(
  { client, authorizer, endpoint }: LoginDependencies,
  access: Access,
  credentials: RegistryCredentials,
) {
  const { domain } = access.reference;
  const target = new URL(`${endpoint.base.href.replace(/\/$/, "")}/`);
  try {
    const response = await client.call(endpoint, access, { method: "GET", target });
    if (response.status !== 200) {
      const detail = await readRegistryError(response);
      if (response.status !== 401 && response.status !== 403) throw unavailable(`registry ${domain}: ${detail}`);
      throw new EngineError(response.status === 401 ? "unauthenticated" : "permission-denied", detail);
    }
    await response.body.dump();
    const identityToken = await authorizer.identityToken(endpoint, credentials, access.signal);
    return identityToken === undefined ? {} : { identityToken };
  } catch (error) {
    if (!hasCode(error, "unauthenticated") && !hasCode(error, "permission-denied")) throw error;
    throw new EngineError("unauthenticated", `login to ${domain} failed: incorrect username or password`, {
      cause: error,
    });
  }
}
