// SPDX-License-Identifier: Apache-2.0
// Datagrams to a unix socket, which Node has no call for; systemd's notify protocol is made of them.

import { checked, closeDescriptor, libc } from "./libc.ts";

const unixFamily = 1; // AF_UNIX
const datagram = 2; // SOCK_DGRAM
const closeOnExec = 0x80000; // SOCK_CLOEXEC
const noSignal = 0x4000; // MSG_NOSIGNAL
const longestPath = 107;

// SAFETY: integers only.
const socketCall = libc.func("socket", "int", ["int", "int", "int"]);
// SAFETY: two buffers, each followed by its own length; the kernel copies both before the call returns.
const sendtoCall = libc.func("sendto", "long", ["int", "void *", "size_t", "int", "void *", "uint"]);

/** Sends one datagram to the socket at the path; a leading "@" names an abstract socket. */
export function sendDatagram(path: string, text: string): void {
  const address = unixAddress(path);
  const message = Buffer.from(text);
  const descriptor = checked(socketCall(unixFamily, datagram | closeOnExec, 0) as number, "socket", path);
  try {
    checked(
      sendtoCall(descriptor, message, message.length, noSignal, address, address.length) as number,
      "sendto",
      path,
    );
  } finally {
    closeDescriptor(descriptor);
  }
}

/** struct sockaddr_un: the family in the machine's byte order, then the path; an abstract one starts with a zero byte. */
function unixAddress(path: string): Buffer {
  const name = Buffer.from(path);
  if (name.length === 0 || name.length > longestPath) throw new RangeError(`not a unix socket's address: ${path}`);
  const family = Buffer.from(new Uint16Array([unixFamily]).buffer);
  const isAbstract = path.startsWith("@");
  if (isAbstract) name[0] = 0;
  return Buffer.concat(isAbstract ? [family, name] : [family, name, Buffer.alloc(1)]);
}
