// SPDX-License-Identifier: Apache-2.0
// The flags of a network interface in the calling thread's network namespace (netdevice(7)).

import { checked, closeDescriptor, libc } from "./libc.ts";

const inetFamily = 2; // AF_INET
const datagram = 2; // SOCK_DGRAM
const closeOnExec = 0x80000; // SOCK_CLOEXEC
const getFlags = 0x8913; // SIOCGIFFLAGS
const setFlags = 0x8914; // SIOCSIFFLAGS
const up = 1; // IFF_UP
const nameLength = 16; // IFNAMSIZ
const requestLength = 40; // sizeof(struct ifreq)

// SAFETY: integers only.
const socketCall = libc.func("socket", "int", ["int", "int", "int"]);
// SAFETY: both requests read and write one struct ifreq, for which the buffer has the room.
const ioctlCall = libc.func("ioctl", "int", ["int", "ulong", "void *"]);

/** Brings the interface up in the calling thread's network namespace. */
export function bringInterfaceUp(name: string): void {
  if (Buffer.byteLength(name) >= nameLength) throw new RangeError(`not an interface name: ${name}`);
  const request = new Uint8Array(requestLength);
  request.set(Buffer.from(name));
  const flags = new Uint16Array(request.buffer, nameLength, 1);
  const descriptor = checked(socketCall(inetFamily, datagram | closeOnExec, 0) as number, "socket", name);
  try {
    checked(ioctlCall(descriptor, getFlags, request) as number, "ioctl", `flags of ${name}`);
    flags[0] = (flags[0] ?? 0) | up;
    checked(ioctlCall(descriptor, setFlags, request) as number, "ioctl", `bring up ${name}`);
  } finally {
    closeDescriptor(descriptor);
  }
}
