// SPDX-License-Identifier: Apache-2.0
// Name servers that a container with a network of its own can reach.

import { isIP } from "node:net";

/**
 * The servers of resolv.conf(5) but for those on loopback, which is another interface inside a container. Where only such
 * a stub is named, those of systemd-resolved's own file stand for it.
 */
export function reachableNameservers(resolvConf: string, behindStub: string): readonly string[] {
  const named = parseNameservers(resolvConf);
  const reachable = named.filter((server) => !isLoopback(server));
  if (reachable.length > 0 || named.length === 0) return reachable;
  return parseNameservers(behindStub).filter((server) => !isLoopback(server));
}

function parseNameservers(text: string): readonly string[] {
  return [...text.matchAll(/^\s*nameserver\s+(\S+)/gm)]
    .map((match) => match[1] ?? "")
    .filter((server) => isIP(server.split("%")[0] ?? "") !== 0);
}

function isLoopback(server: string): boolean {
  return server.startsWith("127.") || server === "::1";
}
