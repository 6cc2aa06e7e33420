// SPDX-License-Identifier: Apache-2.0
// Connections into a pinned network namespace: the namespace thread goes in, makes a socket and begins to connect, and
// goes home; the rest is the main thread's, with the socket's number. No process or thread is held by a connection.

import { closeSync, openSync } from "node:fs";
import { Socket } from "node:net";
import { unavailable } from "../../base/errors.ts";
import { raceSignal } from "../../base/lifetime.ts";
import { hasErrno } from "../../host/files/errno.ts";
import { closeDescriptor } from "../ffi/libc.ts";
import { enterNamespace, namespaceFlags } from "../ffi/namespace.ts";
import { checkConnection, type LoopbackAddress, onWritable, startConnection } from "../ffi/socket.ts";
import { goHome, type HomeNamespaces } from "./pin.ts";

export interface ConnectRequest {
  /** The pin of a network namespace. */
  readonly pin: string;
  readonly address: LoopbackAddress;
  readonly port: number;
}

/** On the namespace thread: the descriptor of a connection that has begun. */
export function startConnectionIn({ pin, address, port }: ConnectRequest, home: HomeNamespaces): number {
  const namespace = openSync(pin, "r");
  let descriptor: number | undefined;
  try {
    enterNamespace(namespace, namespaceFlags.network);
    descriptor = startConnection(address, port);
  } catch (error) {
    // A plain file is left when a namespace has been unpinned.
    if (hasErrno(error, "EINVAL")) throw unavailable(`${pin} is no namespace any more`, error);
    throw error;
  } finally {
    closeSync(namespace);
    goHomeOrClose(home, descriptor);
  }
  return descriptor;
}

function goHomeOrClose(home: HomeNamespaces, descriptor: number | undefined): void {
  try {
    goHome(home);
  } catch (error) {
    if (descriptor !== undefined) closeDescriptor(descriptor);
    throw error;
  }
}

/** On the main thread: the connection that the descriptor stands for, once it has come about. Takes the descriptor. */
export async function finishConnection(
  descriptor: number,
  { signal }: { readonly signal: AbortSignal },
): Promise<Socket> {
  try {
    signal.throwIfAborted();
    const { promise, resolve } = Promise.withResolvers<void>();
    using _ = onWritable(descriptor, resolve);
    await raceSignal(promise, signal);
    checkConnection(descriptor);
  } catch (error) {
    closeDescriptor(descriptor);
    throw error;
  }
  return new Socket({ fd: descriptor, allowHalfOpen: true, readable: true, writable: true });
}
