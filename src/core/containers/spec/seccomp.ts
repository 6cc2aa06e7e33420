// SPDX-License-Identifier: Apache-2.0

import { failedPrecondition } from "../../../base/errors.ts";
import { defaultSeccompProfile } from "../../../oci/runtime/seccomp-default.ts";
import { parseSeccompProfile } from "../../../oci/runtime/seccomp-profile.ts";
import type { RuntimeSeccomp } from "../../../oci/runtime/spec.ts";
import type { SecurityOptions } from "../security-options.ts";
import type { SpecInput } from "./spec-input.ts";

/** The filter of system calls; a privileged container has one only when it asked for a profile of its own. */
export function buildSeccomp(
  input: Pick<SpecInput, "config" | "host" | "features">,
  wish: SecurityOptions["seccomp"],
  capabilities: readonly string[],
): RuntimeSeccomp | undefined {
  const { config, host, features } = input;
  const facts = { architecture: host.architecture, kernelVersion: host.kernelVersion, capabilities };
  if (wish === "unconfined" || (wish === "default" && config.privileged)) return undefined;
  if (typeof wish === "object") {
    if (!features.seccomp) throw failedPrecondition("cannot use a seccomp profile: the runtime was built without it");
    return parseSeccompProfile(wish.profile, facts);
  }
  return host.seccomp && features.seccomp ? defaultSeccompProfile(facts) : undefined;
}
