// SPDX-License-Identifier: Apache-2.0
// Devices from the specifications that vendors leave in directories of the host. They are read for each container that
// names a device: vendors change them at any time, and few containers have any.

import type { DeviceInjector } from "../../../core/containers/device-injector.ts";
import { applyEdits } from "../../../oci/cdi/apply-edits.ts";
import { checkDeviceName } from "../../../oci/cdi/device-name.ts";
import { completeEdits } from "./device-nodes.ts";
import { readRegistry } from "./read-registry.ts";

/** Where vendors leave them, by convention: what comes with the machine, and what changes while it runs. */
export const defaultCdiDirectories: readonly string[] = ["/etc/cdi", "/var/run/cdi"];

/** A device of a later directory goes before one of the same name in an earlier one. */
export function createLocalDevices(directories: readonly string[] = defaultCdiDirectories): DeviceInjector {
  return {
    async inject(spec, names, { signal }) {
      const wanted = [...new Set(names.map(checkDeviceName))];
      if (wanted.length === 0) return spec;
      signal.throwIfAborted();
      const registry = await readRegistry(directories);
      let edited = spec;
      for (const edits of registry.editsOf(wanted)) edited = applyEdits(edited, await completeEdits(edits));
      return edited;
    },
  };
}
