// SPDX-License-Identifier: Apache-2.0
// Sends one HTTP request to an endpoint and follows redirects by hand: only to http and https, never from https to plain
// http, and to another origin without Authorization, configured headers or client certificate. Keeps one connection pool
// for each way of securing and routing connections.

import { Readable } from "node:stream";
import { createSecureContext, getCACertificates, type SecureContext } from "node:tls";
import { Agent, type Dispatcher, ProxyAgent, request } from "undici";
import { failedPrecondition } from "../../../base/errors.ts";
import { defaultTls, type Endpoint, type TlsFiles } from "./endpoint.ts";
import { type ProxyEnvironment, proxyFor } from "./proxy.ts";

export interface TransportOptions {
  readonly userAgent: string;
  readonly environment: ProxyEnvironment;
  /** Milliseconds to connect where the endpoint's configuration does not say. */
  readonly connectTimeoutMs: number;
  /** Milliseconds without a byte after which a connection counts as broken. */
  readonly stallTimeoutMs: number;
}

/** A body that can be sent again: streams are opened anew for each attempt. */
export type HttpBody =
  | { readonly bytes: Uint8Array }
  | { readonly open: () => AsyncIterable<Uint8Array>; readonly length: number };

export interface HttpRequest {
  readonly method: "GET" | "HEAD" | "POST" | "PUT";
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly authorization?: string | undefined;
  readonly body?: HttpBody;
}

/** The body must be read to its end or dumped. */
export interface HttpResponse {
  readonly status: number;
  readonly headers: Dispatcher.ResponseData["headers"];
  readonly body: Dispatcher.ResponseData["body"];
}

const maximumRedirects = 10;
const redirectStatuses = new Set([301, 302, 303, 307, 308]);

export class Transport implements AsyncDisposable {
  readonly #options: TransportOptions;
  readonly #dispatchers = new Map<string, Dispatcher>();
  #systemAuthorities: readonly string[] | undefined;

  constructor(options: TransportOptions) {
    this.#options = options;
  }

  async send(endpoint: Endpoint, outgoing: HttpRequest, signal: AbortSignal): Promise<HttpResponse> {
    let url = outgoing.url;
    for (let redirects = 0; redirects <= maximumRedirects; redirects++) {
      const response = await this.#sendOnce(endpoint, { ...outgoing, url }, signal);
      const location = headerOf(response, "location");
      const isFetch = outgoing.method === "GET" || outgoing.method === "HEAD";
      if (!isFetch || !redirectStatuses.has(response.status) || location === undefined) return response;
      await response.body.dump();
      url = redirectTarget(url, location);
    }
    throw failedPrecondition(`registry ${outgoing.url.host} redirects more than ${maximumRedirects} times`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const dispatchers = [...this.#dispatchers.values()];
    this.#dispatchers.clear();
    await Promise.all(dispatchers.map(async (dispatcher) => await dispatcher.destroy()));
  }

  async #sendOnce(
    endpoint: Endpoint,
    { method, url, headers, authorization, body }: HttpRequest,
    signal: AbortSignal,
  ): Promise<HttpResponse> {
    const isHome = url.origin === endpoint.base.origin;
    const length = body !== undefined && "open" in body ? { "content-length": String(body.length) } : {};
    const response = await request(url, {
      method,
      dispatcher: this.#dispatcher(endpoint, url, isHome),
      headers: {
        ...(isHome && Object.fromEntries(Object.entries(endpoint.headers).map(([name, texts]) => [name, [...texts]]))),
        "user-agent": this.#options.userAgent,
        ...headers,
        ...length,
        ...(isHome && authorization !== undefined && { authorization }),
      },
      ...(body !== undefined && {
        body: "open" in body ? Readable.from(body.open(), { objectMode: false }) : body.bytes,
      }),
      signal,
    });
    return { status: response.statusCode, headers: response.headers, body: response.body };
  }

  #dispatcher(endpoint: Endpoint, url: URL, isHome: boolean): Dispatcher {
    const proxy = proxyFor(url, this.#options.environment);
    const tls: TlsFiles = isHome ? endpoint.tls : { ...endpoint.tls, clients: [] };
    const key = JSON.stringify([url.protocol === "https:" ? tls : "plain", endpoint.dialTimeoutMs, proxy?.href]);
    const existing = this.#dispatchers.get(key);
    if (existing !== undefined) return existing;
    const created = this.#createDispatcher(endpoint, url.protocol === "https:" ? tls : undefined, proxy);
    this.#dispatchers.set(key, created);
    return created;
  }

  #createDispatcher(endpoint: Endpoint, tls: TlsFiles | undefined, proxy: URL | undefined): Dispatcher {
    const timeout = endpoint.dialTimeoutMs ?? this.#options.connectTimeoutMs;
    const secure =
      tls === undefined ? {} : { secureContext: this.#secureContext(tls), rejectUnauthorized: !tls.skipVerify };
    const common = { headersTimeout: this.#options.stallTimeoutMs, bodyTimeout: this.#options.stallTimeoutMs };
    if (proxy === undefined) return new Agent({ ...common, connect: { ...secure, timeout } });
    const proxyTls =
      proxy.protocol === "https:" ? { proxyTls: { secureContext: this.#secureContext(defaultTls), timeout } } : {};
    return new ProxyAgent({
      ...common,
      uri: proxy.href,
      // Plain HTTP is forwarded, only TLS is tunnelled.
      proxyTunnel: false,
      requestTls: { ...secure, timeout },
      ...proxyTls,
    });
  }

  #secureContext(tls: TlsFiles): SecureContext {
    this.#systemAuthorities ??= systemAuthorities();
    return createSecureContext({
      ca: [...this.#systemAuthorities, ...tls.authorities],
      cert: tls.clients.map((client) => client.certificate),
      key: tls.clients.map((client) => client.key),
    });
  }
}

/** The first value of a header. */
export function headerOf(response: HttpResponse, name: string): string | undefined {
  const value = response.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** The machine's certificate authorities; those that come with Node where the machine keeps none. */
function systemAuthorities(): readonly string[] {
  const system = getCACertificates("system");
  return system.length > 0 ? system : getCACertificates("bundled");
}

function redirectTarget(from: URL, location: string): URL {
  const target = URL.parse(location, from.href);
  if (target === null || (target.protocol !== "https:" && target.protocol !== "http:")) {
    throw failedPrecondition(`registry ${from.host} redirects to ${JSON.stringify(location)}, which is not http`);
  }
  if (from.protocol === "https:" && target.protocol === "http:") {
    throw failedPrecondition(`registry ${from.host} redirects from https to plain http at ${target.host}`);
  }
  return target;
}
