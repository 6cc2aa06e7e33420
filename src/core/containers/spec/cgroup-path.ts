// SPDX-License-Identifier: Apache-2.0

import { invalidArgument } from "../../../base/errors.ts";
import { cleanPath } from "../../../base/parse/clean-path.ts";

const defaultParent = "/berth";
const defaultSlice = "system.slice";

/** Where a container's cgroup is: "/berth/<id>", or "slice:berth:<id>" when systemd makes it. */
export function cgroupPath(id: string, parent: string | undefined, systemd: boolean): string {
  if (systemd) {
    // Kubelets write a slice with those above it, as a path.
    const slice = parent === undefined || parent === "" ? defaultSlice : parent.replace(/^(\/[^/:]+\.slice)*\//, "");
    if (!/^[^/:]+\.slice$/.test(slice)) {
      throw invalidArgument('cgroup-parent for systemd cgroup should be a valid slice named as "xxx.slice"');
    }
    return `${slice}:berth:${id}`;
  }
  if (parent === undefined || parent === "") return `${defaultParent}/${id}`;
  return cleanPath(`/${parent}/${id}`);
}
