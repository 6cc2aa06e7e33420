// SPDX-License-Identifier: Apache-2.0
// Published and exposed ports as Docker's flags write them: [ip:][hostPort[-end]]:containerPort[-end][/protocol].

import { invalidArgument } from "../errors.ts";

export interface ParsedPort {
  /** Without brackets; "" is every address. */
  readonly hostIp: string;
  /** 0 is any free one. */
  readonly hostPort: number;
  /** With hostPort the range to take a free one from. */
  readonly hostPortEnd?: number;
  readonly containerPort: number;
  readonly protocol: "tcp" | "udp" | "sctp";
}

/** One mapping for each container port of "-p". */
export function parsePort(text: string): readonly ParsedPort[] {
  const { hostIp, host, container } = splitPort(text);
  const { range, protocol } = parseContainerPart(container, `no port specified: ${text}<empty>`);
  const hostRange = host === "" || host === "0" ? undefined : parseRange(host, `invalid hostPort: ${host}`);
  const count = range.end - range.start + 1;
  if (hostRange !== undefined && count !== 1 && hostRange.end - hostRange.start + 1 !== count) {
    const containerText = container.split("/")[0] ?? "";
    throw invalidArgument(`invalid ranges specified for container and host Ports: ${containerText} and ${host}`);
  }
  return Array.from({ length: count }, (_, offset) => ({
    hostIp,
    hostPort: hostRange === undefined ? 0 : hostRange.start + offset,
    ...(hostRange !== undefined && count === 1 && hostRange.end > hostRange.start
      ? { hostPortEnd: hostRange.end }
      : {}),
    containerPort: range.start + offset,
    protocol,
  }));
}

/** "80/tcp" for each port of "--expose": "80", "53/udp" or "8000-8010". */
export function parseExposedPort(text: string): readonly string[] {
  if (text.includes(":")) throw invalidArgument(`invalid port format for --expose: ${text}`);
  const { range, protocol } = parseContainerPart(text, `invalid range format for --expose: ${text}`);
  return Array.from({ length: range.end - range.start + 1 }, (_, offset) => `${range.start + offset}/${protocol}`);
}

function splitPort(text: string): { readonly hostIp: string; readonly host: string; readonly container: string } {
  const parts = text.split(":");
  const container = parts.pop() ?? "";
  const host = parts.pop() ?? "";
  return { hostIp: parseIp(parts.join(":")), host, container };
}

/** An address, also in brackets; "" stays. invalid-argument for anything else. */
export function parseIp(text: string): string {
  if (text === "") return "";
  const bare = /^\[(.*)\]$/.exec(text)?.[1] ?? text;
  if (text.includes("[") !== text.includes("]") || !(isIpv4(bare) || isIpv6(bare))) {
    throw invalidArgument(`invalid IP address: ${text}`);
  }
  return bare;
}

function isIpv4(text: string): boolean {
  const parts = text.split(".");
  return parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
}

function isIpv6(text: string): boolean {
  const halves = text.split("::");
  if (!text.includes(":") || halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half === "" ? [] : half.split(":")));
  const last = groups.at(-1);
  const embedded = last !== undefined && isIpv4(last);
  const plain = embedded ? groups.slice(0, -1) : groups;
  if (!plain.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return false;
  const count = plain.length + (embedded ? 2 : 0);
  return halves.length === 2 ? count <= 7 : count === 8;
}

interface PortRange {
  readonly start: number;
  readonly end: number;
}

function parseContainerPart(
  text: string,
  emptyMessage: string,
): { range: PortRange; protocol: ParsedPort["protocol"] } {
  const [ports = "", protocolText = "tcp"] = text.split(/\/(.*)/s);
  if (ports === "") throw invalidArgument(emptyMessage);
  const protocol = (protocolText === "" ? "tcp" : protocolText).toLowerCase();
  if (protocol !== "tcp" && protocol !== "udp" && protocol !== "sctp") {
    throw invalidArgument(`invalid proto: ${protocol}`);
  }
  return { range: parseRange(ports, `invalid containerPort: ${ports}`), protocol };
}

function parseRange(text: string, message: string): PortRange {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  const start = Number(match?.[1] ?? Number.NaN);
  const end = Number(match?.[2] ?? start);
  if (!(start >= 1 && end <= 65_535 && end >= start)) throw invalidArgument(message);
  return { start, end };
}
