// SPDX-License-Identifier: Apache-2.0
// What becomes of a client that came with a token: its request is upgraded to the protocol it asks for, and then served
// to its end.

import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { createWebSocketStream, type WebSocket, WebSocketServer } from "ws";
import { toEngineError } from "../../../base/errors.ts";
import type { Logger } from "../../../base/log.ts";
import type { CommandSession } from "./command-session.ts";
import { type CommandStatus, exited, failed } from "./command-status.ts";
import type { ForwardTarget } from "./forward-port.ts";
import { acceptSpdy, negotiateSpdy, negotiateWebSocket, upgradeKind } from "./handshake.ts";
import { openSpdyCommand, spdyCommandProtocols } from "./spdy-command.ts";
import { portForwardProtocol, serveSpdyPortForward } from "./spdy-port-forward.ts";
import type {
  AttachRequest,
  CommandStreams,
  ExecRequest,
  StreamedProcess,
  StreamingRuntime,
} from "./streaming-runtime.ts";
import { openWebSocketCommand, websocketCommandProtocols } from "./websocket-command.ts";
import { serveWebSocketPortForward, websocketPortForwardProtocols } from "./websocket-port-forward.ts";

/** What a token stands for; the kind is the first part of the path. */
export type PendingRequest =
  | { readonly kind: "exec"; readonly request: ExecRequest }
  | { readonly kind: "attach"; readonly request: AttachRequest }
  | {
      readonly kind: "portforward";
      readonly request: { readonly sandboxId: string; readonly ports: readonly number[] };
    };

/** A client's request, and the connection it came on. */
export interface Upgrade {
  readonly request: IncomingMessage;
  readonly socket: Socket;
  readonly head: Buffer;
}

export interface UpgradeContext {
  readonly runtime: StreamingRuntime;
  readonly log: Logger;
  /** A connection on which nothing comes or goes for so long is ended. */
  readonly idleTimeoutMs: number;
  readonly streamCreationTimeoutMs: number;
  /** Aborts when the server closes. */
  readonly signal: AbortSignal;
}

/** The longest message of a WebSocket, in bytes: it is held as a whole. */
const maximumMessage = 4 * 1024 * 1024;

/** How long a WebSocket waits for the peer to answer its goodbye: a slow one may have much to read before. */
const closeTimeoutMs = 300_000;

/** The published types do not know closeTimeout yet. */
const webSocketOptions = {
  noServer: true,
  clientTracking: false,
  perMessageDeflate: false,
  maxPayload: maximumMessage,
  closeTimeout: closeTimeoutMs,
};

/** The protocol that carries SPDY in the messages of a WebSocket. */
const tunnelProtocol = `SPDY/3.1+${portForwardProtocol}`;

/** Resolves when the client has been served; throws HandshakeError while it can still be told in HTTP. */
export async function serveUpgrade(pending: PendingRequest, upgrade: Upgrade, context: UpgradeContext): Promise<void> {
  switch (pending.kind) {
    case "exec": {
      const session = await openCommand(pending.request, upgrade, context);
      return await serveCommand(session, context, "error executing command in container", async (streams, signal) =>
        exited(await context.runtime.exec(pending.request, streams, { signal })),
      );
    }
    case "attach": {
      const session = await openCommand(pending.request, upgrade, context);
      return await serveCommand(session, context, "error attaching to container", async (streams, signal) => {
        await context.runtime.attach(pending.request, streams, { signal });
        return exited(0);
      });
    }
    case "portforward":
      return await servePortForward(pending.request, upgrade, context);
  }
}

async function openCommand(
  request: CommandStreams,
  upgrade: Upgrade,
  context: UpgradeContext,
): Promise<CommandSession> {
  if (upgradeKind(upgrade.request) === "websocket") {
    const name = negotiateWebSocket(upgrade.request, [...websocketCommandProtocols.keys()]);
    const protocol = websocketCommandProtocols.get(name ?? "channel.k8s.io");
    if (protocol === undefined) throw new RangeError(`no protocol ${name}`);
    return openWebSocketCommand(await acceptWebSocket(upgrade, name, context), request, protocol);
  }
  const protocol = negotiateSpdy(upgrade.request, spdyCommandProtocols);
  return await openSpdyCommand(upgradeSpdy(upgrade, protocol, context), request, { ...context, protocol });
}

async function serveCommand(
  session: CommandSession,
  { log, signal }: UpgradeContext,
  what: string,
  run: (streams: StreamedProcess, signal: AbortSignal) => Promise<CommandStatus>,
): Promise<void> {
  let status: CommandStatus;
  try {
    status = await run(session.streams, AbortSignal.any([session.signal, signal]));
  } catch (error) {
    log.debug({ error: toEngineError(error) }, what);
    status = failed(what, error);
  }
  await session.finish(status, { signal });
}

async function servePortForward(
  { sandboxId, ports }: { readonly sandboxId: string; readonly ports: readonly number[] },
  upgrade: Upgrade,
  context: UpgradeContext,
): Promise<void> {
  const target: ForwardTarget = { runtime: context.runtime, sandboxId, log: context.log };
  if (upgradeKind(upgrade.request) === "spdy") {
    const protocol = negotiateSpdy(upgrade.request, [portForwardProtocol]);
    return await serveSpdyPortForward(upgradeSpdy(upgrade, protocol, context), target, context);
  }
  const name = negotiateWebSocket(upgrade.request, [tunnelProtocol, ...websocketPortForwardProtocols.keys()]);
  const webSocket = await acceptWebSocket(upgrade, name, context);
  if (name === tunnelProtocol) return await serveSpdyPortForward(createWebSocketStream(webSocket), target, context);
  const protocol = websocketPortForwardProtocols.get(name ?? "v4.channel.k8s.io");
  if (protocol === undefined) throw new RangeError(`no protocol ${name}`);
  await serveWebSocketPortForward(webSocket, target, { protocol, ports, signal: context.signal });
}

function upgradeSpdy({ socket, head }: Upgrade, protocol: string, { idleTimeoutMs }: UpgradeContext): Socket {
  acceptSpdy(socket, protocol);
  if (head.length > 0) socket.unshift(head);
  socket.setTimeout(idleTimeoutMs);
  return socket;
}

/** Rejects when the request is none for a WebSocket; the library has answered it then. */
async function acceptWebSocket(
  { request, socket, head }: Upgrade,
  protocol: string | undefined,
  { idleTimeoutMs }: UpgradeContext,
): Promise<WebSocket> {
  const server = new WebSocketServer(webSocketOptions);
  delete request.headers["sec-websocket-protocol"];
  server.on("headers", (headers) => {
    if (protocol !== undefined) headers.push(`Sec-WebSocket-Protocol: ${protocol}`);
  });
  const { promise, resolve, reject } = Promise.withResolvers<WebSocket>();
  socket.once("close", () => reject(new Error("the client ended the handshake, or made it wrongly")));
  server.handleUpgrade(request, socket, head, resolve);
  const webSocket = await promise;
  // The library takes the timeout away.
  socket.setTimeout(idleTimeoutMs);
  return webSocket;
}
