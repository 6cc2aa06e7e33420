// SPDX-License-Identifier: Apache-2.0
// An endpoint is one place that may answer for a registry: a mirror, or the registry's own server. The list for a domain
// comes from its configuration (hosts-config.ts) and is tried in order.

export type Capability = "pull" | "resolve" | "push";

export const allCapabilities: readonly Capability[] = ["pull", "resolve", "push"];

/** How a connection to the endpoint is secured; contents are PEM. */
export interface TlsFiles {
  /** Certificate authorities besides the system's. */
  readonly authorities: readonly string[];
  readonly clients: readonly { readonly certificate: string; readonly key: string }[];
  readonly skipVerify: boolean;
}

export const defaultTls: TlsFiles = { authorities: [], clients: [], skipVerify: false };

export interface Endpoint {
  /** Where /<repository>/manifests/… hangs: https://registry-1.docker.io/v2, without a slash at the end. */
  readonly base: URL;
  readonly capabilities: readonly Capability[];
  readonly tls: TlsFiles;
  /** Sent with every request to this origin. */
  readonly headers: Readonly<Record<string, readonly string[]>>;
  /** Milliseconds to connect; the client's default when undefined. */
  readonly dialTimeoutMs?: number;
  /** A stand-in for the registry: gets no credentials, and is told the domain (?ns=). */
  readonly isMirror: boolean;
  /** The base path stands for more than /v2, so the repository may have another name there. */
  readonly overridePath: boolean;
}

/** The host that speaks for a domain: Docker Hub's registry is not at docker.io. */
export function serverHost(domain: string): string {
  return domain === "docker.io" ? "registry-1.docker.io" : domain;
}

/** Whether this is the machine itself (host or host:port): localhost, 127.0.0.0/8 or ::1. */
export function isLoopback(host: string): boolean {
  const hostname = host.replace(/:\d+$/, "").replace(/^\[|\]$/g, "");
  return hostname === "localhost" || hostname === "::1" || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(hostname);
}
