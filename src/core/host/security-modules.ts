// SPDX-License-Identifier: Apache-2.0
// What the kernel's security modules hold at the moment; whether they are there at all stands in the host's facts.

export interface SecurityModules {
  /** Names of the AppArmor profiles that are loaded; none without AppArmor. */
  apparmorProfiles(): Promise<ReadonlySet<string>>;
}
