// SPDX-License-Identifier: Apache-2.0
// Named pipes (mkfifo(3)). Node makes none by itself, and spawning mkfifo costs a process.

import { checked, libc } from "./libc.ts";

const mkfifo = libc.func("int mkfifo(const char *path, uint mode)");

/** Makes a FIFO with this mode, less the umask; fails with EEXIST when anything has that name. */
export function makeFifo(path: string, mode = 0o600): void {
  // SAFETY: the call reads the path up to its NUL, which koffi appends, and keeps no pointer.
  checked(mkfifo(path, mode) as number, "mkfifo", path);
}
