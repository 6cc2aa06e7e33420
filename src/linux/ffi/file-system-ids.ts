// SPDX-License-Identifier: Apache-2.0
// Acting on files as somebody else without losing a capability: setfsuid(2) and setfsgid(2), for one piece of work on the
// calling thread.

import { checked, libc } from "./libc.ts";

const getSecurebits = 27; // PR_GET_SECUREBITS
const setSecurebits = 28; // PR_SET_SECUREBITS
const noSetuidFixup = 4; // SECBIT_NO_SETUID_FIXUP
/** What no id is: the calls only tell the present one. */
const noId = 0xffff_ffff;

// SAFETY: integers only; all of them change the calling thread and nobody else.
const prctlCall = libc.func("prctl", "int", ["int", "ulong", "ulong", "ulong", "ulong"]);
const setfsuidCall = libc.func("setfsuid", "uint", ["uint"]);
const setfsgidCall = libc.func("setfsgid", "uint", ["uint"]);

/** Runs the work, which must be synchronous, with these ids for files; what it leaves behind keeps them. */
export function withFileSystemIds<T>(ids: { readonly uid: number; readonly gid: number }, work: () => T): T {
  const securebits = checked(prctlCall(getSecurebits, 0, 0, 0, 0) as number, "prctl", "PR_GET_SECUREBITS");
  const [uid, gid] = [setfsuidCall(noId) as number, setfsgidCall(noId) as number];
  // Else the kernel takes away all capabilities over files with the id 0.
  setBits(securebits | noSetuidFixup);
  try {
    setIds(ids);
    return work();
  } finally {
    setIds({ uid, gid });
    setBits(securebits);
  }
}

function setBits(bits: number): void {
  checked(prctlCall(setSecurebits, bits, 0, 0, 0) as number, "prctl", "PR_SET_SECUREBITS");
}

/** The calls fail silently: only asking tells. */
function setIds({ uid, gid }: { readonly uid: number; readonly gid: number }): void {
  setfsgidCall(gid);
  setfsuidCall(uid);
  if (setfsgidCall(noId) !== gid || setfsuidCall(noId) !== uid) {
    throw new Error(`cannot act on files as user ${uid} and group ${gid}`);
  }
}
