// SPDX-License-Identifier: Apache-2.0
// Opening a path inside a root: the kernel resolves it (openat2(2) with RESOLVE_IN_ROOT), so that no symlink and no
// concurrent rename leads out.

import { closeSync, openSync } from "node:fs";
import { textToByteString } from "../../../base/byte-string.ts";
import { hasErrno } from "../../../host/files/errno.ts";
import { openAt2, openFlags, resolveFlags } from "../../../linux/ffi/file.ts";

/** How often a resolution is repeated that a concurrent rename disturbed (EAGAIN). */
const attempts = 64;

/** An open directory that paths are resolved in; disposing closes it. */
export interface OpenRoot extends Disposable {
  /** Opens a path without reading it (O_PATH); undefined when there is nothing. The caller closes the descriptor. */
  find(path: string, options?: { readonly directory: boolean }): number | undefined;
}

export function openRoot(root: string): OpenRoot {
  const descriptor = openSync(root, openFlags.path | openFlags.directory);
  return {
    find(path, { directory } = { directory: false }) {
      const flags = openFlags.path | (directory ? openFlags.directory : 0);
      return findInRoot(descriptor, path, flags);
    },
    [Symbol.dispose]: () => closeSync(descriptor),
  };
}

function findInRoot(root: number, path: string, flags: number): number | undefined {
  const resolve = resolveFlags.inRoot | resolveFlags.noMagicLinks;
  for (let attempt = 1; ; attempt++) {
    try {
      return openAt2(root, textToByteString(path), { flags, resolve });
    } catch (error) {
      if (hasErrno(error, "ENOENT", "ENOTDIR")) return undefined;
      if (!hasErrno(error, "EAGAIN") || attempt === attempts) throw error;
    }
  }
}

/** The path that leads to the very file of a descriptor, whatever becomes of its name. */
export function descriptorPath(descriptor: number): string {
  return `/proc/self/fd/${descriptor}`;
}
