// SPDX-License-Identifier: Apache-2.0

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";

/** The machine and the versions of everything that took part, as Markdown. */
export function describeMachine(): string {
  const cgroups = /^\S+ \S+ cgroup /m.test(readFileSync("/proc/mounts", "utf8")) ? "version 1 or hybrid" : "version 2";
  const lines = [
    `${cpus().length} × ${cpus()[0]?.model ?? "unknown processor"}, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}, cgroups ${cgroups}`,
    `Node ${process.version}`,
    ...[
      ["containerd", "--version"],
      ["runc", "--version"],
      ["crun", "--version"],
      ["podman", "--version"],
    ].flatMap(([command = "", argument = ""]) => versionLine(command, argument)),
  ];
  return lines.map((line) => `- ${line}`).join("\n");
}

function versionLine(command: string, argument: string): readonly string[] {
  const { status, stdout } = spawnSync(command, [argument], { encoding: "utf8" });
  return status === 0 ? [stdout.split("\n")[0] ?? ""] : [];
}
