// SPDX-License-Identifier: Apache-2.0

import { invalidArgument } from "../../../base/errors.ts";
import { parseDeviceRule } from "../../../base/parse/device.ts";
import type { RuntimeDevice, RuntimeDeviceRule } from "../../../oci/runtime/spec.ts";
import type { SpecInput } from "./spec-input.ts";

export interface DeviceAccess {
  /** Beyond those that every runtime makes (config-linux.md, default devices). */
  readonly devices: readonly RuntimeDevice[];
  readonly rules: readonly RuntimeDeviceRule[];
}

// null, zero, full, random, urandom, tty, console, ptmx and the pseudo-terminals.
const defaultRules: readonly RuntimeDeviceRule[] = (
  [[1, 3], [1, 5], [1, 7], [1, 8], [1, 9], [5, 0], [5, 1], [5, 2], [136, undefined]] as const
).map(([major, minor]) => ({
  allow: true,
  type: "c",
  major,
  ...(minor === undefined ? {} : { minor }),
  access: "rwm",
})); // biome-ignore format: a table

/** Which devices the container has and may use; a privileged one has all of the host's. */
export function buildDevices(input: Pick<SpecInput, "config" | "devices" | "hostDevices">): DeviceAccess {
  const asked = new Map(input.devices.map((device) => [device.path, device]));
  const customRules = input.config.deviceCgroupRules.map(toRule);
  if (input.config.privileged) {
    const others = input.hostDevices.filter((device) => !asked.has(device.path));
    return {
      devices: [...others, ...asked.values()].map(toDevice),
      rules: [{ allow: true, access: "rwm" }],
    };
  }
  return {
    devices: [...asked.values()].map(toDevice),
    rules: [
      { allow: false, access: "rwm" },
      ...defaultRules,
      ...Array.from(asked.values(), ({ type, major, minor, permissions }) => ({
        allow: true,
        type,
        major,
        minor,
        access: checkPermissions(permissions),
      })),
      ...customRules,
    ],
  };
}

function toDevice({ type, path, major, minor, fileMode, uid, gid }: RuntimeDevice): RuntimeDevice {
  return {
    type,
    path,
    ...(major === undefined ? {} : { major }),
    ...(minor === undefined ? {} : { minor }),
    ...(fileMode === undefined ? {} : { fileMode }),
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
  };
}

function toRule(text: string): RuntimeDeviceRule {
  const { type, major, minor, access } = parseDeviceRule(text);
  return { allow: true, type, ...(major < 0 ? {} : { major }), ...(minor < 0 ? {} : { minor }), access };
}

function checkPermissions(permissions: string): string {
  if (!/^[rwm]{1,3}$/.test(permissions)) throw invalidArgument(`bad mode specified: ${permissions}`);
  return permissions;
}
