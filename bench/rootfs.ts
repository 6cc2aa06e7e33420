// SPDX-License-Identifier: Apache-2.0

import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";

export interface Rootfs {
  readonly directory: string;
  /** The same as a tar. */
  readonly archive: string;
}

/** A root filesystem with the machine's static busybox. */
export function makeRootfs(parent: string): Rootfs {
  const directory = path.join(parent, "rootfs");
  for (const name of ["bin", "etc", "proc", "sys", "dev", "tmp", "root"]) {
    mkdirSync(path.join(directory, name), { recursive: true });
  }
  copyFileSync("/bin/busybox", path.join(directory, "bin/busybox"));
  for (const name of ["sh", "true", "sleep"]) symlinkSync("busybox", path.join(directory, "bin", name));
  writeFileSync(path.join(directory, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n");
  const archive = path.join(parent, "rootfs.tar");
  execFileSync("tar", ["-cf", archive, "-C", directory, "."]);
  return { directory, archive };
}
