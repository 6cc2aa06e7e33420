// SPDX-License-Identifier: Apache-2.0
// The seccomp profile that a container gets unless it asks for another: an allow-list that behaves as Docker's does.
// What is not in it fails with EPERM. Left out on purpose: io_uring, keyrings, kexec, userfaultfd, new namespaces
// without CAP_SYS_ADMIN, and sockets that reach past the network namespace (AF_VSOCK) or into the kernel's crypto (AF_ALG).

import { architectureFacts, syscallsByCapability } from "./seccomp/conditional-syscalls.ts";
import { fileSyscalls } from "./seccomp/file-syscalls.ts";
import { memorySyscalls } from "./seccomp/memory-syscalls.ts";
import { networkAndTimeSyscalls } from "./seccomp/network-and-time-syscalls.ts";
import { processSyscalls } from "./seccomp/process-syscalls.ts";
import type { RuntimeSeccomp, RuntimeSyscall } from "./spec.ts";

const eperm = 1;
const enosys = 38;

export interface SeccompInput {
  /** As images name it: "amd64", "arm64". */
  readonly architecture: string;
  /** uname's release. */
  readonly kernelVersion: string;
  /** The container's bounding set. */
  readonly capabilities: readonly string[];
}

/** The default profile for a container with these capabilities on this kernel. */
export function defaultSeccompProfile(input: SeccompInput): RuntimeSeccomp {
  const facts = architectureFacts[input.architecture];
  return {
    defaultAction: "SCMP_ACT_ERRNO",
    defaultErrnoRet: eperm,
    ...(facts === undefined ? {} : { architectures: facts.seccomp }),
    syscalls: [
      allow([...fileSyscalls, ...processSyscalls, ...memorySyscalls, ...networkAndTimeSyscalls]),
      ...(facts === undefined ? [] : [allow(facts.syscalls)]),
      ...tracing(input.kernelVersion),
      ...socketFamilies(),
      ...personalities(),
      ...newProcesses(input.capabilities),
      ...input.capabilities.flatMap((capability) => {
        const names = syscallsByCapability[capability];
        return names === undefined ? [] : [allow(names)];
      }),
    ],
  };
}

function allow(names: readonly string[], args?: RuntimeSyscall["args"]): RuntimeSyscall {
  return { names, action: "SCMP_ACT_ALLOW", ...(args === undefined ? {} : { args }) };
}

/** Before Linux 4.8 a tracer could step round the filter (seccomp(2), BUGS), so tracing is only allowed since. */
function tracing(kernelVersion: string): RuntimeSyscall[] {
  if (!isAtLeast(kernelVersion, 4, 8)) return [];
  return [allow(["process_vm_readv", "process_vm_writev", "ptrace"])];
}

/** Whether "6.1.0-18-amd64" is this kernel version or a later one. */
export function isAtLeast(kernelVersion: string, major: number, minor: number): boolean {
  const match = /^(\d+)\.(\d+)/.exec(kernelVersion);
  if (match === null) return false;
  const [foundMajor, foundMinor] = [Number(match[1]), Number(match[2])];
  return foundMajor > major || (foundMajor === major && foundMinor >= minor);
}

// linux/socket.h. Families 1 to 37 are allowed but for DECnet (12), ECONET (19), ATMSVC (20), IRDA (23), WANPIPE (25),
// ISDN (34) and CAIF (37), which kernels no longer have; ALG (38) and VSOCK (40) are left out on purpose.
const allowedFamilies = [
  13, 14, 15, 16, 17, 18, 21, 22, 24, 26, 27, 28, 29, 30, 31, 32, 33, 35, 36, 39, 41, 42, 43, 44, 45,
]; // biome-ignore format: a table
const firstForbiddenFamily = 12;

// runc joins several comparisons of one argument with "or", so a range can have one end only: families below the first
// gap are one rule, each further one a rule of its own.
function socketFamilies(): RuntimeSyscall[] {
  return [
    allow(["socket"], [{ index: 0, value: firstForbiddenFamily, op: "SCMP_CMP_LT" }]),
    ...allowedFamilies.map((value) => allow(["socket"], [{ index: 0, value, op: "SCMP_CMP_EQ" }])),
  ];
}

// personality(2): PER_LINUX, PER_LINUX32, both with UNAME26, and the query.
function personalities(): RuntimeSyscall[] {
  return [0x0, 0x8, 0x20000, 0x20008, 0xffffffff].map((value) =>
    allow(["personality"], [{ index: 0, value, op: "SCMP_CMP_EQ" }]),
  );
}

// clone(2): NEWCGROUP | NEWNS | NEWUTS | NEWIPC | NEWUSER | NEWPID | NEWNET.
const namespaceFlags = 0x7e020000;

/** clone without new namespaces. clone3 hides its flags from a filter: ENOSYS makes the C library fall back to clone. */
function newProcesses(capabilities: readonly string[]): RuntimeSyscall[] {
  if (capabilities.includes("CAP_SYS_ADMIN")) return [];
  return [
    allow(["clone"], [{ index: 0, value: namespaceFlags, valueTwo: 0, op: "SCMP_CMP_MASKED_EQ" }]),
    { names: ["clone3"], action: "SCMP_ACT_ERRNO", errnoRet: enosys },
  ];
}
