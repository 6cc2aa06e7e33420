// SPDX-License-Identifier: Apache-2.0
// Where the cgroup is below which an orchestrator wants its containers.

import { type CgroupDirectories, type CgroupLayout, directoriesOfPath } from "./layout.ts";

/** The directories of a cgroup parent: a path from the hierarchy's root, or the name of a systemd slice. */
export function directoriesOfParent(layout: CgroupLayout, parent: string): CgroupDirectories {
  const isSlice = !parent.includes("/") && parent.endsWith(".slice");
  return directoriesOfPath(layout, isSlice ? slicePath(parent) : `/${parent}`);
}

/** A slice's name says where it lies: a-b.slice is a.slice/a-b.slice, and -.slice the root (systemd.slice(5)). */
function slicePath(slice: string): string {
  const parts = slice.slice(0, -".slice".length).split("-").filter(Boolean);
  const names = parts.map((_, index) => `${parts.slice(0, index + 1).join("-")}.slice`);
  return `/${names.join("/")}`;
}
