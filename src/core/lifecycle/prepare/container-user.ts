// SPDX-License-Identifier: Apache-2.0

import { type ResolvedUser, resolveUser, type UserRequest } from "../../containers/user.ts";
import type { Engine } from "../engine.ts";

/** Larger account files are not an image's. */
const maximumBytes = 4 * 1024 * 1024;

/** Looks a user and groups up in the files of a mounted root filesystem. */
export async function userIn(
  engine: Engine,
  rootfs: string,
  request: Pick<UserRequest, "user" | "groupAdd" | "policy">,
): Promise<ResolvedUser> {
  const text = async (path: string) => {
    const bytes = await engine.rootFilesystem.readFile(rootfs, path, { maximumBytes });
    return bytes === undefined ? "" : new TextDecoder().decode(bytes);
  };
  const [passwd, group] = await Promise.all([text("/etc/passwd"), text("/etc/group")]);
  return resolveUser({ ...request, passwd, group });
}
