// SPDX-License-Identifier: Apache-2.0

/** Milliseconds since 1970 as the nanoseconds that CRI has; 0 for what has not been. */
export function toNanoseconds(milliseconds: number | undefined): bigint {
  return BigInt(Math.trunc(milliseconds ?? 0)) * 1_000_000n;
}
