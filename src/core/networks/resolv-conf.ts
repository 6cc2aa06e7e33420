// SPDX-License-Identifier: Apache-2.0
// The text of a sandbox's /etc/resolv.conf (resolv.conf(5)): the host's, without what only the host can reach, and with
// what the user asked for in its place.

import { invalidArgument } from "../../base/errors.ts";
import { isAddress } from "./hosts-file.ts";

export interface ResolvConf {
  readonly nameservers: readonly string[];
  readonly search: readonly string[];
  readonly options: readonly string[];
}

/** Where systemd-resolved keeps the real nameservers when the host's file names its own stub. */
export const resolvedUplinkPath = "/run/systemd/resolve/resolv.conf";
const resolvedStub = "127.0.0.53";

/** Used when the host's nameservers are all out of a sandbox's reach, as Docker does. */
const publicNameservers = ["8.8.8.8", "8.8.4.4"];

/** Reads what counts; comments and unknown keywords are dropped, the last of search and domain wins. */
export function parseResolvConf(text: string): ResolvConf {
  const nameservers: string[] = [];
  const options: string[] = [];
  let search: readonly string[] = [];
  for (const line of text.split("\n")) {
    const [keyword = "", ...values] = line
      .replace(/[#;].*/, "")
      .trim()
      .split(/\s+/);
    if (keyword === "nameserver") nameservers.push(...values.slice(0, 1));
    else if (keyword === "search") search = values;
    else if (keyword === "domain") search = values.slice(0, 1);
    else if (keyword === "options") options.push(...values);
  }
  return { nameservers, search, options };
}

/** True when the file names systemd-resolved's stub alone: then the uplink file is the one to go by. */
export function isResolvedStub({ nameservers }: ResolvConf): boolean {
  return nameservers.length === 1 && nameservers[0] === resolvedStub;
}

export interface ResolvConfRequest {
  /** What the host's file says (or systemd-resolved's uplink file). */
  readonly host: ResolvConf;
  /** What the sandbox's networks brought with them. */
  readonly network: ResolvConf;
  /** What the user asked for; each non-empty list takes the place of the others'. */
  readonly asked: ResolvConf;
  /** Whether the sandbox can reach nameservers with IPv6 addresses. */
  readonly ipv6: boolean;
}

/** The configuration of a sandbox with a network of its own; invalid-argument names a nameserver that is no address. */
export function sandboxResolvConf({ host, network, asked, ipv6 }: ResolvConfRequest): ResolvConf {
  checkNameservers(asked.nameservers);
  const reachable = host.nameservers.filter((address) => isReachable(address, ipv6));
  const fallback = reachable.length > 0 ? reachable : publicNameservers;
  return {
    nameservers: firstNonEmpty(asked.nameservers, network.nameservers, fallback),
    search: withoutRoot(firstNonEmpty(asked.search, network.search, host.search)),
    options: firstNonEmpty(asked.options, network.options, host.options),
  };
}

/** The host's own configuration, with what the user asked for in its place; for a sandbox in the host's network. */
export function hostResolvConf(host: ResolvConf, asked: ResolvConf): ResolvConf {
  checkNameservers(asked.nameservers);
  return {
    nameservers: firstNonEmpty(asked.nameservers, host.nameservers),
    search: withoutRoot(firstNonEmpty(asked.search, host.search)),
    options: firstNonEmpty(asked.options, host.options),
  };
}

export function renderResolvConf({ nameservers, search, options }: ResolvConf): string {
  const lines = nameservers.map((address) => `nameserver ${address}`);
  if (search.length > 0) lines.push(`search ${search.join(" ")}`);
  if (options.length > 0) lines.push(`options ${options.join(" ")}`);
  return lines.map((line) => `${line}\n`).join("");
}

/** Loopback is the sandbox's own, and a zone (fe80::1%eth0) names an interface that it does not have. */
function isReachable(address: string, ipv6: boolean): boolean {
  if (address.includes(":")) return ipv6 && address !== "::1" && !address.includes("%");
  return !address.startsWith("127.");
}

function checkNameservers(nameservers: readonly string[]): void {
  for (const address of nameservers) {
    if (!isAddress(address)) throw invalidArgument(`invalid IP address of a DNS server: ${JSON.stringify(address)}`);
  }
}

function firstNonEmpty(...lists: readonly (readonly string[])[]): readonly string[] {
  return lists.find((list) => list.length > 0) ?? [];
}

/** A search list of "." alone means none. */
function withoutRoot(search: readonly string[]): readonly string[] {
  return search.length === 1 && search[0] === "." ? [] : search;
}
