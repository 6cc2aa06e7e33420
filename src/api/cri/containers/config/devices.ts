// SPDX-License-Identifier: Apache-2.0

import { invalidArgument } from "../../../../base/errors.ts";
import { cleanPath } from "../../../../base/parse/clean-path.ts";
import type { DeviceRequest } from "../../../../core/containers/container-config.ts";
import type * as cri from "../../../../gen/runtime/v1/api_pb.js";
import { cdiDevicesOfAnnotations, checkDeviceName } from "../../../../oci/cdi/device-name.ts";

/** Device files of the host, or directories of them. */
export function toDevices(messages: readonly cri.Device[]): readonly DeviceRequest[] {
  return messages.map(({ hostPath, containerPath, permissions }) => {
    if (!hostPath.startsWith("/")) throw invalidArgument(`the device ${JSON.stringify(hostPath)} is no absolute path`);
    const container = containerPath === "" ? hostPath : containerPath;
    if (!container.startsWith("/")) throw invalidArgument(`the device path ${container} is not absolute`);
    const isAccess = /^[rwm]{0,3}$/.test(permissions) && new Set(permissions).size === permissions.length;
    if (!isAccess) throw invalidArgument(`invalid permissions of device ${hostPath}: ${permissions}`);
    return {
      host: cleanPath(hostPath),
      container: cleanPath(container),
      permissions: permissions === "" ? "rwm" : permissions,
    };
  });
}

/** Devices by name: those of the field, then those that annotations name beside them. */
export function toCdiDevices(message: Pick<cri.ContainerConfig, "CDIDevices" | "annotations">): readonly string[] {
  const named = message.CDIDevices.map(({ name }) => checkDeviceName(name));
  return [...new Set([...named, ...cdiDevicesOfAnnotations(message.annotations)])];
}
