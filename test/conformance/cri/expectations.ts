// SPDX-License-Identifier: Apache-2.0
// Specs that do not run, and why. Whatever else is skipped counts as a failure.

import type { Runtime } from "./matrix.ts";

/** What the machine and the runtime have that decides on specs. */
export interface Circumstances {
  readonly runtime: Runtime;
  readonly runtimeVersion: string;
  readonly hasAppArmor: boolean;
  /** By the document that the runtime's command "features" prints; a runtime without that command says nothing. */
  readonly idMappedMounts: boolean;
}

export interface ExpectedSkip {
  /** Found in the spec's name. */
  readonly spec: RegExp;
  readonly reason: string;
  /** Always, unless told. */
  readonly when?: (circumstances: Circumstances) => boolean;
}

/** Left out by name. */
export const leftOut = [
  {
    spec: "public image with digest should be pulled and removed",
    reason:
      "the digest of its image's manifest is a constant, so the image cannot be rebuilt; pulls by digest have tests of our own",
  },
] as const;

/** All that critest v1.36.0 has on Linux without SELinux. */
export const suiteSize = 122;

export const expectedSkips: readonly ExpectedSkip[] = [
  ...leftOut.map(({ spec, reason }) => ({ spec: new RegExp(spec), reason })),
  { spec: /benchmark/i, reason: "a benchmark, which runs only with -benchmark, when nothing else does" },
  {
    spec: /AppArmor/,
    reason: "the machine's kernel has no AppArmor",
    when: ({ hasAppArmor }) => !hasAppArmor,
  },
  {
    spec: /Security Context UserNamespaces/,
    reason: "the OCI runtime does not say (features) that it can map the owners of mounts, so it is not offered",
    when: ({ idMappedMounts }) => !idMappedMounts,
  },
];
