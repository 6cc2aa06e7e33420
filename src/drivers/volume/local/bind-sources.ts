// SPDX-License-Identifier: Apache-2.0

import { mkdir, realpath, stat } from "node:fs/promises";
import { internal, notFound, toEngineError } from "../../../base/errors.ts";
import type { BindSources } from "../../../core/volumes/volume.ts";
import { hasErrno } from "../../../host/files/errno.ts";
import { mountOf, readMounts } from "../../../linux/mount/mountinfo.ts";
import { relabelTree } from "./relabel.ts";

/** Looks at (and makes) the sources of binds on this host. */
export const localBindSources: BindSources = {
  async check(source, { create }) {
    try {
      await stat(source);
    } catch (error) {
      if (!hasErrno(error, "ENOENT", "ENOTDIR")) throw toEngineError(error, `look at bind source ${source}`);
      if (!create) throw notFound("volume", source, error);
      await makeDirectory(source);
    }
  },
  relabel: relabelTree,
  async mountOf(source) {
    try {
      const entry = mountOf(await realpath(source), await readMounts());
      if (entry === undefined) throw internal(`bind source ${source} is on no mount`);
      const { mountPoint, sharedGroup, masterGroup } = entry;
      return { mountPoint, shared: sharedGroup !== undefined, slave: masterGroup !== undefined };
    } catch (error) {
      throw toEngineError(error, `look at the mount of bind source ${source}`);
    }
  },
};

async function makeDirectory(source: string): Promise<void> {
  try {
    await mkdir(source, { recursive: true, mode: 0o755 });
  } catch (error) {
    throw toEngineError(error, `create bind source ${source}`);
  }
}
