// SPDX-License-Identifier: Apache-2.0
// TCP sockets of the calling thread's network namespace: a socket stays in the namespace in which it was made, whoever
// uses it later (network_namespaces(7)). Nothing here blocks.

import koffi from "koffi";
import { hasErrno } from "../../host/files/errno.ts";
import { checked, closeDescriptor, libc, SystemCallError } from "./libc.ts";

const stream = 1; // SOCK_STREAM
const nonBlocking = 0o4000; // SOCK_NONBLOCK
const closeOnExec = 0o2000000; // SOCK_CLOEXEC
const socketLevel = 1; // SOL_SOCKET
const socketError = 4; // SO_ERROR

/** The addresses at which a namespace reaches itself. */
export const loopbackAddresses = ["127.0.0.1", "::1"] as const;
export type LoopbackAddress = (typeof loopbackAddresses)[number];

// SAFETY: integers only.
const socketCall = libc.func("socket", "int", ["int", "int", "int"]);
// SAFETY: the address is a buffer that lives for the call, with its length, and the kernel copies it.
const connectCall = libc.func("connect", "int", ["int", "const uint8_t *", "uint"]);
// SAFETY: value and length are buffers of four bytes each, and length says so.
const getsockoptCall = libc.func("getsockopt", "int", ["int", "int", "int", "_Out_ uint8_t *", "_Inout_ uint8_t *"]);

/** Begins a connection to the calling thread's own namespace. The descriptor is the caller's. */
export function startConnection(address: LoopbackAddress, port: number): number {
  const { family, bytes } = socketAddress(address, port);
  const about = `${address} port ${port}`;
  const descriptor = checked(socketCall(family, stream | nonBlocking | closeOnExec, 0) as number, "socket", about);
  try {
    checked(connectCall(descriptor, bytes, bytes.length) as number, "connect", about);
  } catch (error) {
    if (hasErrno(error, "EINPROGRESS")) return descriptor;
    closeDescriptor(descriptor);
    throw error;
  }
  return descriptor;
}

/** Throws what kept the connection from coming about, once the descriptor is writable. */
export function checkConnection(descriptor: number): void {
  const value = Buffer.alloc(4);
  const length = Buffer.alloc(4);
  length.writeInt32LE(value.length);
  const about = `descriptor ${descriptor}`;
  checked(getsockoptCall(descriptor, socketLevel, socketError, value, length) as number, "getsockopt", about);
  if (value.readInt32LE() !== 0) throw new SystemCallError("connect", value.readInt32LE(), about);
}

/** Calls back once, when the descriptor can be written to or has failed; dispose the result to stop listening. */
export function onWritable(descriptor: number, callback: () => void): Disposable {
  // SAFETY: the caller keeps the descriptor open until the handle is closed, here or by disposing.
  const handle = koffi.node.poll(descriptor, { writable: true }, () => {
    handle.stop();
    callback();
  });
  return { [Symbol.dispose]: () => handle.close() };
}

/** struct sockaddr_in or sockaddr_in6. */
function socketAddress(address: LoopbackAddress, port: number): { readonly family: number; readonly bytes: Buffer } {
  const isFour = address === "127.0.0.1";
  const family = isFour ? 2 : 10; // AF_INET, AF_INET6
  const bytes = Buffer.alloc(isFour ? 16 : 28);
  new Uint16Array(bytes.buffer, bytes.byteOffset, 1)[0] = family;
  bytes.writeUInt16BE(port, 2);
  if (isFour) bytes.set([127, 0, 0, 1], 4);
  else bytes[23] = 1;
  return { family, bytes };
}
