// SPDX-License-Identifier: Apache-2.0
// The HTTP part of a stream: which protocol both sides know, and the answers that Node's server leaves to whoever takes
// an upgrade. Names of protocols are compared as they are; "SPDY/3.1+portforward.k8s.io" is no token of HTTP, so the
// WebSocket library is not asked.

import { type IncomingMessage, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";

const protocolHeader = "X-Stream-Protocol-Version";

/** A request that cannot be upgraded, with the status and text for it. */
export class HandshakeError extends Error {
  override readonly name = "HandshakeError";
  readonly status: number;
  readonly headers: readonly string[];

  constructor(status: number, message: string, headers: readonly string[] = []) {
    super(message);
    this.status = status;
    this.headers = headers;
  }
}

/** What the request wants to become. */
export function upgradeKind(request: IncomingMessage): "spdy" | "websocket" {
  const wanted = (request.headers.upgrade ?? "").toLowerCase();
  if (wanted === "websocket") return "websocket";
  if (wanted.includes("spdy/3.1")) return "spdy";
  throw new HandshakeError(400, "unable to upgrade: it needs SPDY/3.1 or a WebSocket");
}

/** The first of the client's protocols that the server knows. */
export function negotiateSpdy(request: IncomingMessage, known: readonly string[]): string {
  const wanted = listed(request.headers["x-stream-protocol-version"]);
  if (wanted.length === 0) throw new HandshakeError(400, `unable to upgrade: header ${protocolHeader} is missing`);
  const found = wanted.find((protocol) => known.includes(protocol));
  if (found !== undefined) return found;
  throw new HandshakeError(
    403,
    `unable to upgrade: the client speaks ${wanted.join(", ")}, the server ${known.join(", ")}`,
    known.map((protocol) => `X-Accepted-Stream-Protocol-Versions: ${protocol}`),
  );
}

/** The first of the client's protocols that the server knows; undefined when the client names none. */
export function negotiateWebSocket(request: IncomingMessage, known: readonly string[]): string | undefined {
  const wanted = listed(request.headers["sec-websocket-protocol"]);
  const found = wanted.find((protocol) => known.includes(protocol));
  if (found !== undefined || wanted.length === 0) return found;
  throw new HandshakeError(403, `requested protocol(s) are not supported: ${wanted.join(", ")}`);
}

function listed(header: string | readonly string[] | undefined): readonly string[] {
  return (typeof header === "string" ? header : (header ?? []).join(","))
    .split(",")
    .map((value) => value.trim())
    .filter((value) => value !== "");
}

/** Tells the client that SPDY follows. */
export function acceptSpdy(socket: Duplex, protocol: string): void {
  writeHead(socket, 101, ["Connection: Upgrade", "Upgrade: SPDY/3.1", `${protocolHeader}: ${protocol}`]);
}

/** Answers a request that is not upgraded, and ends its connection. */
export function refuse(socket: Duplex, error: HandshakeError): void {
  const body = `${error.message}\n`;
  writeHead(socket, error.status, [
    "Connection: close",
    "Content-Type: text/plain; charset=utf-8",
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...error.headers,
  ]);
  socket.end(body);
}

function writeHead(socket: Duplex, status: number, headers: readonly string[]): void {
  socket.write([`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}`, ...headers, "", ""].join("\r\n"));
}
