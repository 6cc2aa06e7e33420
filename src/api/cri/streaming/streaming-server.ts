// SPDX-License-Identifier: Apache-2.0
// The server to which Exec, Attach and PortForward send their clients. A call gets an URL with a token that is good once
// and for a minute; who comes with it is upgraded to SPDY or a WebSocket. It listens on loopback unless told otherwise:
// the kubelet passes its clients on.

import { createServer as createHttpServer, type IncomingMessage, type Server, STATUS_CODES } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, isIPv6, type Socket } from "node:net";
import { messageOf, toEngineError } from "../../../base/errors.ts";
import { TaskGroup } from "../../../base/lifetime.ts";
import type { Logger } from "../../../base/log.ts";
import { HandshakeError, refuse } from "./handshake.ts";
import { type PendingRequest, serveUpgrade, type Upgrade } from "./serve-upgrade.ts";
import type { AttachRequest, ExecRequest, StreamingRuntime } from "./streaming-runtime.ts";
import { TokenTable } from "./token-table.ts";
import { validateCommandRequest, validatePortForwardRequest } from "./validate-request.ts";

const keepAliveMs = 30_000;

export interface StreamingServerOptions {
  readonly runtime: StreamingRuntime;
  readonly log: Logger;
  /** 127.0.0.1 unless given. */
  readonly address?: string;
  /** One that is free unless given. */
  readonly port?: number;
  /** PEM texts; with ca clients must have a certificate that it signed. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca?: string };
  /** Four hours unless given. */
  readonly idleTimeoutMs?: number;
  /** How long a client may take to open its streams: 30 s unless given. */
  readonly streamCreationTimeoutMs?: number;
  /** How long a token is good: a minute unless given. */
  readonly tokenLifetimeMs?: number;
  /** How many tokens may wait for their clients: 1000 unless given. */
  readonly maximumTokens?: number;
}

/** Whoever opens it disposes it, which ends its connections. */
export class StreamingServer implements AsyncDisposable {
  readonly #options: StreamingServerOptions;
  readonly #server: Server;
  readonly #tokens: TokenTable<PendingRequest>;
  readonly #clients: TaskGroup;
  #baseUrl = "";

  private constructor(options: StreamingServerOptions) {
    this.#options = options;
    const { tls, log } = options;
    this.#tokens = new TokenTable({
      lifetimeMs: options.tokenLifetimeMs ?? 60_000,
      limit: options.maximumTokens ?? 1000,
      now: () => performance.now(),
    });
    this.#clients = new TaskGroup((error) => log.warn({ error: toEngineError(error) }, "a streaming client failed"));
    this.#server =
      tls === undefined
        ? createHttpServer()
        : createHttpsServer({ ...tls, minVersion: "TLSv1.2", requestCert: tls.ca !== undefined });
    this.#server.on("upgrade", (request, socket, head) => this.#upgrade({ request, socket: socket as Socket, head }));
    this.#server.on("request", (request, response) => {
      const error = this.#refusalOf(request);
      response.writeHead(error.status, { "content-type": "text/plain; charset=utf-8" }).end(`${error.message}\n`);
    });
  }

  /** Listens; what keeps it from it is thrown with the address. */
  static async open(options: StreamingServerOptions): Promise<StreamingServer> {
    const streaming = new StreamingServer(options);
    await streaming.#listen(options.address ?? "127.0.0.1", options.port ?? 0);
    return streaming;
  }

  /** Where the client of an exec goes; invalid-argument, or resource-exhausted when too many have not come yet. */
  execUrl(request: ExecRequest): string {
    validateCommandRequest(request);
    return this.#url({ kind: "exec", request });
  }

  /** As execUrl. */
  attachUrl(request: AttachRequest): string {
    validateCommandRequest(request);
    return this.#url({ kind: "attach", request });
  }

  /** As execUrl. The ports are for WebSocket clients of the older protocol; the others name theirs. */
  portForwardUrl(request: { readonly sandboxId: string; readonly ports: readonly number[] }): string {
    validatePortForwardRequest(request);
    return this.#url({ kind: "portforward", request });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await this.#clients[Symbol.asyncDispose]();
    await closed;
  }

  async #listen(address: string, port: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", (error) => reject(toEngineError(error, `listen on ${address} port ${port}`)));
      this.#server.listen(port, address, resolve);
    });
    this.#server.on("error", (error) =>
      this.#options.log.error({ error: messageOf(error) }, "the streaming server failed"),
    );
    const actual = this.#server.address() as AddressInfo; // it listens, and not on a unix socket
    const host = isIPv6(actual.address) ? `[${actual.address}]` : actual.address;
    this.#baseUrl = `${this.#options.tls === undefined ? "http" : "https"}://${host}:${actual.port}`;
  }

  #url(pending: PendingRequest): string {
    return `${this.#baseUrl}/${pending.kind}/${this.#tokens.issue(pending)}`;
  }

  /** What the request's token stands for; it is used up. */
  #take(request: IncomingMessage): PendingRequest {
    if (request.method !== "GET" && request.method !== "POST") throw new HandshakeError(405, STATUS_CODES[405] ?? "");
    const [, kind, token] = /^\/(exec|attach|portforward)\/([\w-]+)(?:\?.*)?$/.exec(request.url ?? "") ?? [];
    const pending = token === undefined ? undefined : this.#tokens.take(token);
    if (pending === undefined || pending.kind !== kind) throw new HandshakeError(404, "404 page not found");
    return pending;
  }

  #refusalOf(request: IncomingMessage): HandshakeError {
    try {
      this.#take(request);
      return new HandshakeError(400, "unable to upgrade: it needs SPDY/3.1 or a WebSocket");
    } catch (error) {
      if (error instanceof HandshakeError) return error;
      throw error;
    }
  }

  #upgrade(upgrade: Upgrade): void {
    const { request, socket } = upgrade;
    socket.on("error", (error) =>
      this.#options.log.debug({ error: messageOf(error) }, "a streaming client's connection broke"),
    );
    socket.on("timeout", () => socket.destroy());
    socket.setNoDelay(true);
    socket.setKeepAlive(true, keepAliveMs);
    this.#clients.run("stream", async (signal) => {
      try {
        const { runtime, log, idleTimeoutMs = 4 * 3_600_000, streamCreationTimeoutMs = 30_000 } = this.#options;
        const pending = this.#take(request);
        await serveUpgrade(pending, upgrade, { runtime, log, idleTimeoutMs, streamCreationTimeoutMs, signal });
      } catch (error) {
        if (!(error instanceof HandshakeError)) throw error;
        refuse(socket, error);
      } finally {
        socket.destroySoon();
      }
    });
  }
}
