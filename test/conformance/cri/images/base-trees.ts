// SPDX-License-Identifier: Apache-2.0
// What is inside the images: programs of Debian's packages with the libraries that they are linked with, and two of ours.

import { execFile } from "node:child_process";
import { globSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { unpackPackages } from "./debian-packages.ts";
import { FileTree, treeOf } from "./file-tree.ts";

const run = promisify(execFile);

/** Patterns of what is taken out of a package. */
type Selection = Readonly<Record<string, readonly string[]>>;

function library(...names: readonly string[]): readonly string[] {
  return names.map((name) => `{usr/,}lib/*-linux-gnu*/${name}.so*`);
}

const libc: Selection = { libc6: ["lib{,64}/ld-linux*", "lib/*/ld-linux*", ...library("libc", "libresolv", "libm")] };

const busyboxPackages: Selection = {
  ...libc,
  busybox: ["bin/busybox"],
  "busybox-static": ["bin/busybox"],
  // What Debian's busybox is built without.
  procps: ["usr/bin/pgrep"],
  "util-linux": ["usr/bin/ipcs"],
  "libproc2-0": library("libproc2"),
  libsystemd0: library("libsystemd"),
  libcap2: library("libcap"),
  libgcrypt20: library("libgcrypt"),
  "libgpg-error0": library("libgpg-error"),
  liblzma5: library("liblzma"),
  libzstd1: library("libzstd"),
  "liblz4-1": library("liblz4"),
};

const nginxPackages: Selection = {
  nginx: ["usr/sbin/nginx"],
  libcrypt1: library("libcrypt"),
  "libpcre2-8-0": library("libpcre2-8"),
  libssl3: library("libssl", "libcrypto"),
  zlib1g: library("libz"),
};

export interface BaseTrees {
  /** A small system: sh, the applets of busybox, users and groups. */
  readonly busybox: FileTree;
  /** What nginx needs beside that. */
  readonly nginx: FileTree;
  readonly pause: Buffer;
  readonly nonewprivs: Buffer;
}

/** Reads it all into memory: the packages are gone afterwards. */
export async function makeBaseTrees({ signal }: { readonly signal: AbortSignal }): Promise<BaseTrees> {
  const scratch = await mkdtemp(path.join(tmpdir(), "berth-conformance-packages-"));
  try {
    await unpackPackages([...Object.keys(busyboxPackages), ...Object.keys(nginxPackages)], scratch, { signal });
    return {
      busybox: await busyboxTree(scratch, { signal }),
      nginx: await select(scratch, nginxPackages),
      pause: await compile("pause", scratch, { signal }),
      nonewprivs: await compile("nonewprivs", scratch, { signal }),
    };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/**
 * sh is Debian's linked busybox: the shell of the static one runs the applets itself, whatever stands under their
 * names in /bin, and so does not notice that one is masked. Each applet is a name of its own (a hard link), as a mask
 * over a symlink would mask them all.
 */
async function busyboxTree(scratch: string, { signal }: { readonly signal: AbortSignal }): Promise<FileTree> {
  const { busybox: _shell, "busybox-static": _applets, ...others } = busyboxPackages;
  const binary = path.join(scratch, "busybox-static/bin/busybox");
  const { stdout } = await run(binary, ["--list"], { signal });
  let tree = (await select(scratch, others))
    .file("bin/busybox", await readFile(binary), 0o755)
    .file("bin/sh", await readFile(path.join(scratch, "busybox/bin/busybox")), 0o755);
  for (const applet of stdout.trim().split("\n")) {
    if (applet !== "busybox" && applet !== "sh") tree = tree.hardLink(`bin/${applet}`, "bin/busybox", 0o755);
  }
  return tree
    .file(
      "etc/passwd",
      "root:x:0:0:root:/root:/bin/sh\nwww-data:x:33:33::/var/www:/bin/false\nnobody:x:65534:65534::/:/bin/false\n",
    )
    .file("etc/group", "root:x:0:\nwww-data:x:33:\nnogroup:x:65534:\n")
    .directory("dev")
    .directory("proc")
    .directory("root", 0o700)
    .directory("run")
    .directory("sys")
    .directory("tmp", 0o1777)
    .symlink("var/run", "../run")
    .directory("var/tmp", 0o1777);
}

async function select(scratch: string, selection: Selection): Promise<FileTree> {
  let tree = new FileTree();
  for (const [name, patterns] of Object.entries(selection)) {
    const directory = path.join(scratch, name);
    const files = globSync([...patterns], { cwd: directory });
    if (files.length === 0) throw new Error(`Debian's package ${name} has nothing like ${patterns.join(", ")}`);
    tree = tree.merge(await treeOf(directory, files));
  }
  return tree;
}

/** A program that needs no library. */
async function compile(name: string, scratch: string, { signal }: { readonly signal: AbortSignal }): Promise<Buffer> {
  const source = path.join(import.meta.dirname, "programs", `${name}.c`);
  const output = path.join(scratch, `${name}-program`);
  await run("gcc", ["-Os", "-s", "-static", "-Wl,--build-id=none", "-o", output, source], { signal });
  return await readFile(output);
}
