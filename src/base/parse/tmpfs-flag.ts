// SPDX-License-Identifier: Apache-2.0

import { checkMountRequest, type MountRequest } from "./mount-request.ts";

/** "--tmpfs": "/run" or "/run:size=64m,mode=1777,exec". */
export function parseTmpfsFlag(text: string): MountRequest {
  const index = text.indexOf(":");
  const [target, optionText] = index < 0 ? [text, ""] : [text.slice(0, index), text.slice(index + 1)];
  const options = optionText === "" ? [] : optionText.split(",");
  return checkMountRequest({ type: "tmpfs", target, readOnly: options.includes("ro"), options });
}
