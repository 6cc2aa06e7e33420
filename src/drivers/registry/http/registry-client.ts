// SPDX-License-Identifier: Apache-2.0
// Speaks the distribution protocol's requests for one repository: tries the endpoints in order, answers challenges, and
// turns what comes back into results or errors. The operations (manifests, blobs, uploads) are built on it.

import { EngineError, hasCode, toEngineError } from "../../../base/errors.ts";
import type { Logger } from "../../../base/log.ts";
import type { RegistryCredentials } from "../../../core/transfer/registry.ts";
import { familiarName, type Reference } from "../../../oci/reference/reference.ts";
import type { Authorizer, Grant } from "./authorizer.ts";
import { type Capability, type Endpoint, serverHost } from "./endpoint.ts";
import type { Endpoints } from "./endpoints.ts";
import { deniedError, readRegistryError, statusError } from "./http-errors.ts";
import type { Requester } from "./requester.ts";
import type { HttpBody, HttpRequest, HttpResponse } from "./transport.ts";

export interface ClientDependencies {
  readonly endpoints: Endpoints;
  readonly requester: Requester;
  readonly authorizer: Authorizer;
  readonly log: Logger;
}

export interface Call {
  readonly method: HttpRequest["method"];
  /** Below the repository, such as ["blobs", "sha256:…"], or a whole URL that the registry gave. */
  readonly target: readonly string[] | URL;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: HttpBody;
}

/** What an operation works on and for whom. */
export interface Access {
  readonly reference: Reference;
  readonly actions: "pull" | "pull,push";
  /** Other repositories of the registry to read from, for mounts. */
  readonly mountFrom?: readonly string[];
  readonly credentials: RegistryCredentials | undefined;
  readonly signal: AbortSignal;
}

export class RegistryClient {
  readonly #dependencies: ClientDependencies;

  constructor(dependencies: ClientDependencies) {
    this.#dependencies = dependencies;
  }

  /** How long to go on after broken connections. */
  get policy() {
    return this.#dependencies.requester.policy;
  }

  /** The first endpoint's result; one that fails in any way is passed over, and the registry's own failure counts most. */
  async firstOf<T>(
    access: Access,
    { capability, skipMirrors }: { readonly capability: Capability; readonly skipMirrors?: boolean },
    work: (endpoint: Endpoint) => Promise<T>,
  ): Promise<T> {
    const { domain } = access.reference;
    const endpoints = await this.#dependencies.endpoints.list(domain, capability);
    let failure: { readonly error: EngineError; readonly isMirror: boolean } | undefined;
    for (const endpoint of endpoints) {
      if (endpoint.isMirror && skipMirrors === true) continue;
      try {
        return await work(endpoint);
      } catch (error) {
        if (access.signal.aborted) throw error;
        if (hasCode(error, "unavailable")) this.#dependencies.endpoints.forget(domain);
        if (failure === undefined || failure.isMirror)
          failure = { error: toEngineError(error), isMirror: endpoint.isMirror };
        if (endpoint !== endpoints.at(-1))
          this.#dependencies.log.warn({ err: error, domain }, `${endpoint.base.host} failed`);
      }
    }
    throw failure?.error ?? noEndpoint(domain, capability);
  }

  /** Where pushes and logins go: the registry itself, unless its configuration names another place for them. */
  async server(access: Access): Promise<Endpoint> {
    const [endpoint] = await this.#dependencies.endpoints.list(access.reference.domain, "push");
    if (endpoint === undefined) throw noEndpoint(access.reference.domain, "push");
    return endpoint;
  }

  /** Sends the call, once more after a challenge; whatever status comes back is the caller's to judge. */
  async call(endpoint: Endpoint, access: Access, call: Call): Promise<HttpResponse> {
    const { authorizer, requester } = this.#dependencies;
    const grant = grantOf(access);
    const request: HttpRequest = {
      method: call.method,
      url: urlOf(endpoint, access.reference, call),
      ...(call.headers !== undefined && { headers: call.headers }),
      ...(call.body !== undefined && { body: call.body }),
    };
    const send = async () => {
      const authorization = await this.#authorization(endpoint, access, grant);
      return await requester.send(endpoint, { ...request, authorization }, access.signal);
    };
    const response = await send();
    if (response.status !== 401 || !authorizer.learn(endpoint, grant, response)) return response;
    await response.body.dump();
    return await send();
  }

  /** The error for an answer that the caller cannot use; reads its body. */
  async failure(access: Access, response: HttpResponse): Promise<EngineError> {
    const detail = await readRegistryError(response);
    const { status } = response;
    if (status === 401 || status === 403) return accessDenied(access, deniedError(status, "", detail), detail);
    return statusError(access.reference.domain, status, detail);
  }

  async #authorization(endpoint: Endpoint, access: Access, grant: Grant): Promise<string | undefined> {
    try {
      return await this.#dependencies.authorizer.header(endpoint, grant, access.signal);
    } catch (error) {
      const failure = toEngineError(error);
      const isDenied = failure.code === "unauthenticated" || failure.code === "permission-denied";
      throw isDenied ? accessDenied(access, failure, failure.message) : failure;
    }
  }
}

function noEndpoint(domain: string, capability: Capability): EngineError {
  return new EngineError(
    "failed-precondition",
    `registry ${domain}: hosts.toml names no host with the capability ${capability}`,
  );
}

/** In the words that Docker's users search for. */
function accessDenied({ reference, actions }: Access, cause: EngineError, detail: string): EngineError {
  const verb = actions === "pull" ? "pull" : "push";
  const name = familiarName({ domain: reference.domain, path: reference.path });
  const message = `${verb} access denied for ${name}, repository does not exist or may require authorization: ${detail}`;
  return new EngineError(cause.code, message, { cause });
}

function grantOf({ reference, actions, mountFrom, credentials }: Access): Grant {
  const scopes = reference.path === "" ? [] : [`repository:${reference.path}:${actions}`];
  return { scopes: [...scopes, ...(mountFrom ?? []).map((path) => `repository:${path}:pull`)], credentials };
}

function urlOf(endpoint: Endpoint, reference: Reference, { target, query }: Call): URL {
  let url: URL;
  if (target instanceof URL) {
    url = new URL(target);
  } else {
    url = new URL(endpoint.base);
    // Every part has passed the reference's or the digest's grammar, so none needs escaping.
    url.pathname = [endpoint.base.pathname.replace(/\/$/, ""), reference.path, ...target].join("/");
  }
  for (const [name, value] of Object.entries(query ?? {})) url.searchParams.set(name, value);
  if (endpoint.isMirror && endpoint.base.host !== serverHost(reference.domain))
    url.searchParams.set("ns", reference.domain);
  return url;
}
