// SPDX-License-Identifier: Apache-2.0

/** Splits a dev_t as glibc packs it (makedev(3)): 12 bits of major and 20 of minor within 32 bits. */
export function deviceNumbers(device: number): { readonly major: number; readonly minor: number } {
  return {
    major: Math.floor(device / 256) & 0xfff,
    minor: (device & 0xff) + (Math.floor(device / 2 ** 20) & 0xfff) * 256,
  };
}
