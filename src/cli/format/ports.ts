// SPDX-License-Identifier: Apache-2.0
// The PORTS column: "0.0.0.0:80-81->80-81/tcp, 90/tcp, [::]:8080->70/tcp".

/** A port of a container, published or only exposed. */
export interface Port {
  readonly containerPort: number;
  readonly protocol: string;
  /** The address of the host that it is published on; absent for an exposed port. */
  readonly hostAddress?: string;
  readonly hostPort?: number;
}

interface Range {
  readonly protocol: string;
  readonly hostAddress: string | undefined;
  readonly first: number;
  last: number;
}

/**
 * The column as docker writes it: consecutive ports whose number is the same on both sides become a range; those
 * published under another number follow one by one.
 */
export function formatPorts(ports: readonly Port[]): string {
  const finished: string[] = [];
  const renumbered: string[] = [];
  const open = new Map<string, Range>();
  for (const { containerPort, protocol, hostAddress, hostPort } of ports.toSorted(comparePorts)) {
    if (hostAddress !== undefined && hostPort !== containerPort) {
      renumbered.push(`${joinAddress(hostAddress, String(hostPort))}->${containerPort}/${protocol}`);
      continue;
    }
    const key = `${hostAddress ?? ""}/${protocol}`;
    const range = open.get(key);
    if (range !== undefined && containerPort === range.last + 1) {
      range.last = containerPort;
      continue;
    }
    if (range !== undefined) finished.push(formatRange(range));
    open.set(key, { protocol, hostAddress, first: containerPort, last: containerPort });
  }
  return [...finished, ...[...open.values()].map(formatRange), ...renumbered].join(", ");
}

function formatRange({ protocol, hostAddress, first, last }: Range): string {
  const numbers = first === last ? String(first) : `${first}-${last}`;
  return hostAddress === undefined
    ? `${numbers}/${protocol}`
    : `${joinAddress(hostAddress, numbers)}->${numbers}/${protocol}`;
}

/** An address of IPv6 in brackets. */
export function joinAddress(address: string, port: string): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

function comparePorts(a: Port, b: Port): number {
  return (
    a.containerPort - b.containerPort ||
    compareTexts(a.hostAddress ?? "", b.hostAddress ?? "") ||
    (a.hostPort ?? 0) - (b.hostPort ?? 0) ||
    compareTexts(a.protocol, b.protocol)
  );
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
