// SPDX-License-Identifier: Apache-2.0
// The text of a sandbox's /etc/hosts (hosts(5)): the loopback names, extra hosts, and its own addresses with its name.

import { invalidArgument } from "../../base/errors.ts";

/** What a user writes for the address by which a container reaches the host. */
const hostGateway = "host-gateway";

const standardLines = [
  "127.0.0.1\tlocalhost",
  "::1\tlocalhost ip6-localhost ip6-loopback",
  "fe00::\tip6-localnet",
  "ff00::\tip6-mcastprefix",
  "ff02::1\tip6-allnodes",
  "ff02::2\tip6-allrouters",
];

export interface HostsFileContent {
  /** The text of the host's file, which then takes the place of the standard lines; with the host's network only. */
  readonly hostText?: string;
  readonly hostname: string;
  readonly domainname?: string;
  /** The sandbox's own, with or without prefix length. */
  readonly addresses: readonly string[];
  /** "name:address", "name=address"; the address may be host-gateway. */
  readonly extraHosts: readonly string[];
  /** What host-gateway stands for; undefined where nothing leads to the host. */
  readonly gateway?: string;
}

/** The file's text; invalid-argument names an extra host that is none. */
export function renderHostsFile(content: HostsFileContent): string {
  const { hostname, domainname, addresses, gateway } = content;
  const names = domainname ? `${hostname}.${domainname} ${hostname}` : hostname;
  const base = content.hostText === undefined ? standardLines : content.hostText.trimEnd().split("\n");
  const extra = content.extraHosts.map((text) => extraHostLine(text, gateway));
  const own = addresses.map((address) => `${address.split("/")[0]}\t${names}`);
  return `${[...base, ...extra, ...own].join("\n")}\n`;
}

function extraHostLine(text: string, gateway: string | undefined): string {
  const match = /^([^\s:=#]+)[:=]\s*(\S+)$/.exec(text);
  if (match === null) throw invalidArgument(`bad format for add-host: ${JSON.stringify(text)}, expected name:address`);
  const [, name = "", value = ""] = match;
  if (value === hostGateway) {
    if (gateway !== undefined) return `${gateway}\t${name}`;
    throw invalidArgument(`cannot add host ${text}: without a bridged network there is no host-gateway`);
  }
  const address = value.replace(/^\[(.*)\]$/, "$1");
  if (!isAddress(address)) throw invalidArgument(`invalid IP address in add-host: ${JSON.stringify(value)}`);
  return `${address}\t${name}`;
}

/** True for an IPv4 or IPv6 address without a zone. */
export function isAddress(text: string): boolean {
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) return text.split(".").every((part) => Number(part) <= 255);
  return text.includes(":") && URL.canParse(`http://[${text}]/`);
}
