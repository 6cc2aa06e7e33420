// SPDX-License-Identifier: Apache-2.0
// Devices by name: what the vendor of a device says that a container needs of it (Container Device Interface 1.0).

import type { RuntimeSpec } from "../../oci/runtime/spec.ts";

export interface DeviceInjector {
  /**
   * The specification with the edits of these devices ("vendor/class=name"); the same one without any. invalid-argument
   * for what is no device name, not-found naming those that no CDI specification of the host has.
   */
  inject(spec: RuntimeSpec, names: readonly string[], options: { readonly signal: AbortSignal }): Promise<RuntimeSpec>;
}
