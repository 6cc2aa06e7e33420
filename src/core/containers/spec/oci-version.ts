// SPDX-License-Identifier: Apache-2.0

/** The version of the specification that Berth writes at most. */
const ownVersion = "1.3.0";

/** The lower of ours and what the runtime takes; a runtime's "1.0.2-dev" counts as 1.0.2 and is kept as it is. */
export function ociVersionFor(runtimeVersion: string): string {
  const [own, theirs] = [numbers(ownVersion), numbers(runtimeVersion)];
  for (const [index, part] of own.entries()) {
    const other = theirs[index] ?? 0;
    if (part !== other) return part < other ? ownVersion : runtimeVersion;
  }
  return ownVersion;
}

function numbers(version: string): readonly number[] {
  return (version.split("-")[0] ?? "").split(".").map((part) => Number.parseInt(part, 10) || 0);
}
