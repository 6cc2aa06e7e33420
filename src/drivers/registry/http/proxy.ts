// SPDX-License-Identifier: Apache-2.0
// Which proxy a request goes through, from HTTP_PROXY, HTTPS_PROXY and NO_PROXY (or their lower-case twins, which win),
// with the meaning that Go programs and so Docker's users give them: NO_PROXY is a list of domains with all below
// them (.example: only those below), addresses, CIDR ranges, each with a port if one is given, or *. The
// machine itself is never reached through a proxy.

import { BlockList, isIP } from "node:net";
import { isLoopback } from "./endpoint.ts";

export type ProxyEnvironment = Readonly<Record<string, string | undefined>>;

/** The proxy for the URL, or undefined for a direct connection. */
export function proxyFor(url: URL, environment: ProxyEnvironment): URL | undefined {
  const value = read(environment, url.protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY");
  if (value === undefined || isLoopback(url.host) || isExcepted(url, read(environment, "NO_PROXY") ?? ""))
    return undefined;
  return new URL(/^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? value : `http://${value}`);
}

function read(environment: ProxyEnvironment, name: string): string | undefined {
  return environment[name.toLowerCase()] || environment[name] || undefined;
}

function isExcepted(url: URL, exceptions: string): boolean {
  const hostname = url.hostname.replace(/^\[|\]$/g, "").toLowerCase();
  const port = url.port || (url.protocol === "https:" ? "443" : "80");
  return exceptions
    .split(",")
    .map((entry) => entry.trim().toLowerCase())
    .some((entry) => entry !== "" && (entry === "*" || matches(entry, hostname, port)));
}

function matches(entry: string, hostname: string, port: string): boolean {
  if (entry.includes("/")) return matchesRange(entry, hostname);
  const withPort = /^(.*):(\d+)$/.exec(entry);
  const hasPort = withPort !== null && (isIP(entry) !== 6 || entry.startsWith("["));
  if (hasPort && withPort[2] !== port) return false;
  const host = (hasPort ? (withPort[1] ?? "") : entry).replace(/^\[|\]$/g, "").replace(/^\*\./, ".");
  if (host.startsWith(".")) return hostname.endsWith(host);
  return hostname === host || (isIP(host) === 0 && hostname.endsWith(`.${host}`));
}

function matchesRange(entry: string, hostname: string): boolean {
  const [network = "", bits] = entry.split("/");
  const family = isIP(network);
  if (family === 0 || isIP(hostname) !== family) return false;
  const prefix = Number(bits);
  if (!Number.isInteger(prefix) || prefix < 0 || prefix > (family === 4 ? 32 : 128)) return false;
  const type = family === 4 ? "ipv4" : "ipv6";
  const list = new BlockList();
  list.addSubnet(network, prefix, type);
  return list.check(hostname, type);
}
