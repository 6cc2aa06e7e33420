// SPDX-License-Identifier: Apache-2.0
// Ports of the host that containers publish. portmap does not look whether somebody listens there, nor whether another
// container has the port: both are found out here, before anything is made.

import { createSocket } from "node:dgram";
import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { conflict, EngineError, invalidArgument, toEngineError } from "../../../base/errors.ts";
import type { PortMapping } from "../../../core/networks/network-driver.ts";

const anyAddress = "0.0.0.0";
/** Linux's default range of ephemeral ports. */
const defaultRange = [32_768, 60_999] as const;
/** So many random ports are tried before the range counts as used up. */
const maximumAttempts = 256;

/** Ports that are spoken for until the attachment's record has them; dispose it then. */
export interface PortReservation extends Disposable {
  /** The mappings with the chosen host ports in place of 0. */
  readonly ports: readonly PortMapping[];
}

export class HostPorts {
  readonly #reserved = new Set<PortMapping>();
  readonly #attached: () => readonly PortMapping[];

  /** attached: the ports of the attachments that exist. */
  constructor(attached: () => readonly PortMapping[]) {
    this.#attached = attached;
  }

  /** All of them or none; conflict when one is taken by a container or by a program of the host. */
  async reserve(
    mappings: readonly PortMapping[],
    { signal }: { readonly signal: AbortSignal },
  ): Promise<PortReservation> {
    const ports: PortMapping[] = [];
    const release = () => {
      for (const port of ports) this.#reserved.delete(port);
    };
    try {
      for (const mapping of mappings) {
        checkRange(mapping);
        ports.push(await this.#find(mapping));
        signal.throwIfAborted();
      }
    } catch (error) {
      release();
      throw error;
    }
    return { ports, [Symbol.dispose]: release };
  }

  async #find({ hostPortEnd, ...mapping }: PortMapping): Promise<PortMapping> {
    if (mapping.hostPort === 0) return await this.#choose(mapping);
    if (hostPortEnd === undefined) return await this.#take(mapping);
    for (let { hostPort } = mapping; hostPort <= hostPortEnd; hostPort++) {
      const port = await this.#takeIfFree({ ...mapping, hostPort });
      if (port !== undefined) return port;
    }
    throw conflict(
      `driver failed programming external connectivity: Bind for ${hostOf(mapping)}:${mapping.hostPort}-${hostPortEnd} ` +
        "failed: all ports are allocated",
    );
  }

  async #takeIfFree(mapping: PortMapping): Promise<PortMapping | undefined> {
    try {
      return await this.#take(mapping);
    } catch (error) {
      if (error instanceof EngineError && error.code === "conflict") return undefined;
      throw error;
    }
  }

  async #take(mapping: PortMapping): Promise<PortMapping> {
    const port = { ...mapping };
    if (this.#isTaken(port)) throw taken(port);
    // Reserved before the first wait, so that two requests at once cannot both find it free.
    this.#reserved.add(port);
    const failure = await tryBind(port);
    if (failure === undefined) return port;
    this.#reserved.delete(port);
    throw failure;
  }

  async #choose(mapping: PortMapping): Promise<PortMapping> {
    const [lowest, highest] = await ephemeralRange();
    for (let attempt = 0; attempt < maximumAttempts; attempt++) {
      const hostPort = lowest + Math.floor(Math.random() * (highest - lowest + 1));
      const port = await this.#takeIfFree({ ...mapping, hostPort });
      if (port !== undefined) return port;
    }
    throw new EngineError("resource-exhausted", `no free host port between ${lowest} and ${highest}`);
  }

  #isTaken(port: PortMapping): boolean {
    for (const other of this.#reserved) if (overlaps(port, other)) return true;
    return this.#attached().some((other) => overlaps(port, other));
  }
}

/** True for "", 0.0.0.0 and ::, which stand for every address. */
export function isAnyAddress(address: string): boolean {
  return address === "" || address === anyAddress || address === "::";
}

function overlaps(a: PortMapping, b: PortMapping): boolean {
  const sameAddress = a.hostIp === b.hostIp || isAnyAddress(a.hostIp) || isAnyAddress(b.hostIp);
  return a.protocol === b.protocol && a.hostPort === b.hostPort && sameAddress;
}

function checkRange({ hostPort, containerPort, protocol }: PortMapping): void {
  const valid = (port: number, lowest: number) => Number.isInteger(port) && port >= lowest && port <= 65_535;
  if (!valid(hostPort, 0) || !valid(containerPort, 1)) {
    throw invalidArgument(`invalid port mapping ${hostPort}:${containerPort}/${protocol}: ports are 1 to 65535`);
  }
}

/** Why the host's own programs leave no room for it; undefined when they do. SCTP cannot be tried from here. */
async function tryBind(port: PortMapping): Promise<EngineError | undefined> {
  if (port.protocol === "sctp") return undefined;
  try {
    await (port.protocol === "tcp" ? bindTcp(port) : bindUdp(port));
    return undefined;
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (code === "EADDRINUSE") return taken(port, error);
    if (code === "EADDRNOTAVAIL") {
      return invalidArgument(`cannot publish port ${port.hostPort}: the host has no address ${port.hostIp}`, error);
    }
    return toEngineError(error, `publish ${hostOf(port)}:${port.hostPort}/${port.protocol}`);
  }
}

async function bindTcp(port: PortMapping): Promise<void> {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: hostOf(port), port: port.hostPort, exclusive: true, backlog: 1 }, resolve);
  });
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
}

async function bindUdp(port: PortMapping): Promise<void> {
  const socket = createSocket(hostOf(port).includes(":") ? "udp6" : "udp4");
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once("error", reject);
      socket.bind({ address: hostOf(port), port: port.hostPort, exclusive: true }, resolve);
    });
  } finally {
    await new Promise<void>((resolve) => {
      socket.close(() => resolve());
    });
  }
}

function hostOf({ hostIp }: PortMapping): string {
  return hostIp === "" ? anyAddress : hostIp;
}

/** In the words that Docker's users know. */
function taken(port: PortMapping, cause?: unknown): EngineError {
  return conflict(
    `driver failed programming external connectivity: Bind for ${hostOf(port)}:${port.hostPort} failed: ` +
      "port is already allocated",
    cause,
  );
}

async function ephemeralRange(): Promise<readonly [number, number]> {
  try {
    const [lowest, highest] = (await readFile("/proc/sys/net/ipv4/ip_local_port_range", "utf8")).trim().split(/\s+/);
    return [Number(lowest), Number(highest)];
  } catch {
    // Without /proc/sys the kernel's default is as good.
    return defaultRange;
  }
}
