// SPDX-License-Identifier: Apache-2.0

/** "1", "t", "true", "0", "f", "false" and their capitals, as Docker's flags take them; undefined for anything else. */
export function parseBoolean(text: string): boolean | undefined {
  if (/^(1|t|T|true|TRUE|True)$/.test(text)) return true;
  if (/^(0|f|F|false|FALSE|False)$/.test(text)) return false;
  return undefined;
}
