// SPDX-License-Identifier: Apache-2.0

import { readlinkSync } from "node:fs";
import path from "node:path";
import { ifThereSync } from "../../../host/files/errno.ts";

interface DeviceNumbers {
  readonly major: number;
  readonly minor: number;
}

/** As the kernel names it, "/dev/vda"; "8:0" for one that has gone. */
export function deviceName({ major, minor }: DeviceNumbers): string {
  const target = ifThereSync(() => readlinkSync(`/sys/dev/block/${major}:${minor}`));
  // A slash in a device's name is an exclamation mark there.
  return target === undefined ? `${major}:${minor}` : `/dev/${path.basename(target).replaceAll("!", "/")}`;
}
