// SPDX-License-Identifier: Apache-2.0
// Starting programs by posix_spawn(3). Node's own spawn forks the daemon, which copies its page tables while the event
// loop stands still: some 25 ms for 100 MB. posix_spawn shares the memory until the program is executed.

import { Buffer } from "node:buffer";
import koffi from "koffi";
import { libc, SystemCallError } from "./libc.ts";

/** Larger than glibc's posix_spawn_file_actions_t (80 bytes) and posix_spawnattr_t (336 bytes) on every architecture. */
const structSize = 512;
/** sizeof(sigset_t). */
const signalSetSize = 128;
/** <spawn.h> */
const flags = { setProcessGroup: 0x02, setSignalDefaults: 0x04, setSignalMask: 0x08 } as const;
/** <fcntl.h> */
const closeOnExec = 0o2000000;
/** <sys/wait.h> */
const noHang = 1;

// SAFETY: every struct is a zeroed Buffer of structSize that stays referenced from init to destroy; paths and vectors are
// copied by koffi for the time of the call, and posix_spawn has read them all when it returns.
const spawnCall = libc.func("posix_spawn", "int", ["void *", "str", "void *", "void *", "str *", "str *"]);
const actionsInit = libc.func("posix_spawn_file_actions_init", "int", ["void *"]);
const actionsDestroy = libc.func("posix_spawn_file_actions_destroy", "int", ["void *"]);
const actionsDup2 = libc.func("posix_spawn_file_actions_adddup2", "int", ["void *", "int", "int"]);
const actionsOpen = libc.func("posix_spawn_file_actions_addopen", "int", ["void *", "int", "str", "int", "uint"]);
const actionsChdir = libc.func("posix_spawn_file_actions_addchdir_np", "int", ["void *", "str"]);
const attributesInit = libc.func("posix_spawnattr_init", "int", ["void *"]);
const attributesDestroy = libc.func("posix_spawnattr_destroy", "int", ["void *"]);
const setFlags = libc.func("posix_spawnattr_setflags", "int", ["void *", "short"]);
const setGroup = libc.func("posix_spawnattr_setpgroup", "int", ["void *", "int"]);
const setSignalDefaults = libc.func("posix_spawnattr_setsigdefault", "int", ["void *", "void *"]);
const setSignalMask = libc.func("posix_spawnattr_setsigmask", "int", ["void *", "void *"]);

// SAFETY: the Buffer has room for two integers.
const pipeCall = libc.func("pipe2", "int", ["void *", "int"]);
// SAFETY: the Buffer has room for the status.
const waitCall = libc.func("waitpid", "int", ["int", "void *", "int"]);

export interface SpawnRequest {
  /** Absolute: nothing is looked up. */
  readonly file: string;
  /** The program's own name first. */
  readonly parameters: readonly string[];
  /** KEY=VALUE. */
  readonly environment: readonly string[];
  readonly directory?: string;
  /** Becomes descriptor 0; /dev/null when undefined. */
  readonly stdin?: number;
  readonly stdout: number;
  readonly stderr: number;
  /** Leads a process group of its own. */
  readonly ownGroup: boolean;
}

/** Starts the program with default signal handling and returns its process number; the caller must reap it. */
export function spawnProgram(request: SpawnRequest): number {
  const actions = Buffer.alloc(structSize);
  const attributes = Buffer.alloc(structSize);
  const about = request.file;
  succeed(actionsInit(actions) as number, about);
  succeed(attributesInit(attributes) as number, about);
  try {
    if (request.directory !== undefined) succeed(actionsChdir(actions, request.directory) as number, about);
    if (request.stdin === undefined) succeed(actionsOpen(actions, 0, "/dev/null", 0, 0) as number, about);
    else succeed(actionsDup2(actions, request.stdin, 0) as number, about);
    succeed(actionsDup2(actions, request.stdout, 1) as number, about);
    succeed(actionsDup2(actions, request.stderr, 2) as number, about);
    const group = request.ownGroup ? flags.setProcessGroup : 0;
    succeed(setFlags(attributes, flags.setSignalDefaults | flags.setSignalMask | group) as number, about);
    if (request.ownGroup) succeed(setGroup(attributes, 0) as number, about);
    succeed(setSignalDefaults(attributes, Buffer.alloc(signalSetSize, 0xff)) as number, about);
    succeed(setSignalMask(attributes, Buffer.alloc(signalSetSize)) as number, about);
    const pid = Buffer.alloc(4);
    const vector = (words: readonly string[]) => [...words, null];
    const failure = spawnCall(
      pid,
      request.file,
      actions,
      attributes,
      vector(request.parameters),
      vector(request.environment),
    ) as number;
    succeed(failure, about);
    return pid.readInt32LE();
  } finally {
    actionsDestroy(actions);
    attributesDestroy(attributes);
  }
}

/** These calls return the errno instead of setting it. */
function succeed(errno: number, about: string): void {
  if (errno !== 0) throw new SystemCallError("posix_spawn", errno, about);
}

/** A pipe whose ends are closed on exec. */
export function openPipe(): { readonly read: number; readonly write: number } {
  const ends = Buffer.alloc(8);
  if ((pipeCall(ends, closeOnExec) as number) === -1) throw new SystemCallError("pipe2", koffi.errno(), "");
  return { read: ends.readInt32LE(0), write: ends.readInt32LE(4) };
}

/** The wait status (wait(2)) of a child that has ended, which it frees; undefined while it runs. */
export function reap(pid: number): number | undefined {
  const status = Buffer.alloc(4);
  const result = waitCall(pid, status, noHang) as number;
  if (result === -1) throw new SystemCallError("waitpid", koffi.errno(), `process ${pid}`);
  return result === 0 ? undefined : status.readInt32LE();
}
