// SPDX-License-Identifier: Apache-2.0

/** The text of a sandbox's /etc/hostname (hostname(5)). */
export function renderHostnameFile(hostname: string): string {
  return `${hostname}\n`;
}
