// SPDX-License-Identifier: Apache-2.0
// Chooses the endpoints for an operation on a domain: the mirrors that may do it, then the registry's own server.
//
// Plain HTTP is spoken only where a hosts.toml URL or the daemon's configuration says so, or to the machine itself: a
// registry on a loopback address may speak either, which one short TLS handshake without any request finds out.

import { isIP } from "node:net";
import { connect } from "node:tls";
import {
  allCapabilities,
  type Capability,
  defaultTls,
  type Endpoint,
  isLoopback,
  serverHost,
  type TlsFiles,
} from "./endpoint.ts";
import { loadHostsConfig } from "./hosts-config.ts";

export interface EndpointOptions {
  /** Directories with one directory a domain. */
  readonly configPaths: readonly string[];
  /** Domains (host or host:port) that speak plain HTTP. */
  readonly plainHttp: readonly string[];
}

const probeTimeoutMs = 2000;

export class Endpoints {
  readonly #options: EndpointOptions;
  /** What a loopback registry was found to speak; forgotten when it cannot be reached. */
  readonly #loopbackSchemes = new Map<string, "http" | "https">();

  constructor(options: EndpointOptions) {
    this.#options = options;
  }

  /** In the order to try. The registry itself comes last, or where its configuration lists it. */
  async list(domain: string, capability: Capability): Promise<readonly Endpoint[]> {
    const config = await loadHostsConfig(this.#options.configPaths, domain);
    const listed = config.listed.filter((endpoint) => endpoint.capabilities.includes(capability));
    if (listed.some((endpoint) => !endpoint.isMirror)) return listed;
    const server = config.server ?? (await this.#serverOf(domain, config.tls));
    return server.capabilities.includes(capability) ? [...listed, server] : listed;
  }

  async #serverOf(domain: string, tls: TlsFiles | undefined): Promise<Endpoint> {
    return {
      base: new URL(`${await this.#schemeOf(domain, tls !== undefined)}://${serverHost(domain)}/v2`),
      capabilities: allCapabilities,
      tls: tls ?? defaultTls,
      headers: {},
      isMirror: false,
      overridePath: false,
    };
  }

  async #schemeOf(domain: string, hasCertificates: boolean): Promise<"http" | "https"> {
    if (hasCertificates) return "https";
    if (this.#options.plainHttp.includes(domain)) return "http";
    if (!isLoopback(domain)) return "https";
    const known = this.#loopbackSchemes.get(domain);
    if (known !== undefined) return known;
    const found = await probe(new URL(`https://${domain}`));
    if (found !== undefined) this.#loopbackSchemes.set(domain, found);
    return found ?? "http";
  }

  /** The registry may have come back speaking something else. */
  forget(domain: string): void {
    this.#loopbackSchemes.delete(domain);
  }
}

/** Which of the two answers there, or undefined when nothing does. */
async function probe(url: URL): Promise<"http" | "https" | undefined> {
  const { promise, resolve } = Promise.withResolvers<"http" | "https" | undefined>();
  const hostname = url.hostname.replace(/^\[|\]$/g, "");
  const socket = connect({
    host: hostname,
    port: Number(url.port || 443),
    ...(isIP(hostname) === 0 && { servername: hostname }),
    // Only the handshake counts: nothing is sent, and the real connection checks the certificate.
    rejectUnauthorized: false,
    timeout: probeTimeoutMs,
  });
  socket.once("secureConnect", () => resolve("https"));
  socket.once("timeout", () => resolve(undefined));
  socket.on("error", (error: NodeJS.ErrnoException) => {
    const isRefused = error.code === "ECONNREFUSED" || error.code === "ENOTFOUND" || error.code === "EHOSTUNREACH";
    resolve(isRefused ? undefined : "http");
  });
  try {
    return await promise;
  } finally {
    socket.destroy();
  }
}
