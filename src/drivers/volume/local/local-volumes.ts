// SPDX-License-Identifier: Apache-2.0
// Volumes as directories on the host: <root>/<name>/_data, as Docker lays them out.

import type { Dirent } from "node:fs";
import { mkdir, readdir, rm } from "node:fs/promises";
import path from "node:path";
import { toEngineError } from "../../../base/errors.ts";
import type { VolumeDriver } from "../../../core/volumes/volume.ts";
import { syncDirectory } from "../../../host/files/durable.ts";
import { ifThere } from "../../../host/files/errno.ts";
import { measureDirectory } from "./measure-directory.ts";

/** Containers with user namespaces must be able to pass through, and nobody to look around. */
const wayMode = 0o711;
const dataMode = 0o755;

/** root: the directory of all volumes and of nothing else, such as /var/lib/berth/volumes; made when first needed. */
export function openLocalVolumes({ root }: { readonly root: string }): VolumeDriver {
  const data = (name: string) => path.join(root, name, "_data");
  return {
    id: "local",
    create: async (name) =>
      await explained(`create volume ${name}`, async () => {
        await mkdir(root, { recursive: true, mode: wayMode });
        await mkdir(path.join(root, name), { recursive: true, mode: wayMode });
        await mkdir(data(name), { recursive: true, mode: dataMode });
        await syncDirectory(path.join(root, name));
        await syncDirectory(root);
        return data(name);
      }),
    remove: async (name) =>
      await explained(
        `remove volume ${name}`,
        async () => await rm(path.join(root, name), { recursive: true, force: true }),
      ),
    list: async () =>
      await explained("list volumes", async () => {
        const entries = await entriesOf(root);
        return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
      }),
    // Anything but an empty _data may be somebody's.
    isEmpty: async (name) =>
      await explained(`look into volume ${name}`, async () => {
        const entries = await entriesOf(path.join(root, name));
        if (entries.some((entry) => entry.name !== "_data" || !entry.isDirectory())) return false;
        return (await entriesOf(data(name))).length === 0;
      }),
    usage: async (name, { signal }) =>
      await explained(`measure volume ${name}`, async () => await measureDirectory(data(name), { signal })),
    // Nothing is held open between calls.
    [Symbol.asyncDispose]: async () => {},
  };
}

async function entriesOf(directory: string): Promise<readonly Dirent[]> {
  return (await ifThere(readdir(directory, { withFileTypes: true }))) ?? [];
}

async function explained<R>(context: string, work: () => Promise<R>): Promise<R> {
  try {
    return await work();
  } catch (error) {
    throw toEngineError(error, context);
  }
}
