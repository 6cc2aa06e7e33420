// SPDX-License-Identifier: Apache-2.0

import { toEngineError } from "../../../base/errors.ts";
import type { SecurityModules } from "../../../core/host/security-modules.ts";
import { readApparmorProfiles } from "../../../linux/security/modules.ts";

/** Asks this machine's kernel. */
export const securityModules: SecurityModules = {
  async apparmorProfiles() {
    try {
      return await readApparmorProfiles();
    } catch (error) {
      throw toEngineError(error, "cannot read which apparmor profiles are loaded");
    }
  },
};
