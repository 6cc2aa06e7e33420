// SPDX-License-Identifier: Apache-2.0

import type { Stats } from "node:fs";
import { lstat, readdir, stat } from "node:fs/promises";
import path from "node:path";
import { codeOf, EngineError, invalidArgument } from "../../../base/errors.ts";
import type { HostDevice, HostDevices } from "../../../core/host/host-devices.ts";
import { deviceNumbers } from "../../../host/files/device-numbers.ts";

/** Directories of /dev that hold what every container has of its own. */
const ownDirectories = new Set(["pts", "shm", "fd", "mqueue", ".lxc", ".lxd-mounts", ".udev"]);

/** Reads the device nodes of this machine. */
export function createHostDevices(directory = "/dev"): HostDevices {
  return {
    async find(wanted) {
      const found = await statDevice(wanted);
      if (found.isDirectory()) return await walk(wanted);
      const device = toDevice(wanted, found);
      if (device === undefined)
        throw invalidArgument(
          `error gathering device information while adding custom device "${wanted}": not a device node`,
        );
      return [device];
    },
    list: async () => await walk(directory),
  };
}

async function statDevice(wanted: string): Promise<Stats> {
  try {
    return await stat(wanted);
  } catch (error) {
    throw new EngineError(
      codeOf(error),
      `error gathering device information while adding custom device "${wanted}": no such file or directory`,
      { cause: error },
    );
  }
}

async function walk(directory: string): Promise<readonly HostDevice[]> {
  const devices: HostDevice[] = [];
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const file = path.join(directory, entry.name);
    if (entry.isDirectory()) {
      if (!ownDirectories.has(entry.name)) devices.push(...(await walk(file)));
    } else if ((entry.isCharacterDevice() || entry.isBlockDevice()) && entry.name !== "console") {
      const device = await deviceIfThere(file);
      if (device !== undefined) devices.push(device);
    }
  }
  return devices;
}

/** undefined when it has gone since the directory was read. */
async function deviceIfThere(file: string): Promise<HostDevice | undefined> {
  try {
    return toDevice(file, await lstat(file));
  } catch (error) {
    if (codeOf(error) === "not-found") return undefined;
    throw error;
  }
}

function toDevice(file: string, stats: Stats): HostDevice | undefined {
  if (!stats.isCharacterDevice() && !stats.isBlockDevice()) return undefined;
  return {
    path: file,
    type: stats.isBlockDevice() ? "b" : "c",
    ...deviceNumbers(stats.rdev),
    fileMode: stats.mode & 0o777,
    uid: stats.uid,
    gid: stats.gid,
  };
}
