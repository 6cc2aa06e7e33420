// SPDX-License-Identifier: Apache-2.0
// Short forms of texts for columns.

const shortIdLength = 12;
const commandWidth = 20;
// East Asian wide and full-width forms and emoji take two cells of a terminal.
const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]/u;

/** An id without its algorithm, cut to 12 digits: "sha256:3f2a…" is "3f2a…". */
export function shortId(id: string): string {
  return id.slice(id.indexOf(":") + 1).slice(0, shortIdLength);
}

/** A text cut to this many cells of a terminal, the last of them an ellipsis when something was cut off. */
export function ellipsis(text: string, width: number): string {
  if (width <= 0) return "";
  const characters = Array.from(text);
  if (characters.reduce((sum, character) => sum + widthOf(character), 0) <= width) return text;
  if (width === 1) return characters[0] ?? "";
  let used = 0;
  let kept = "";
  for (const character of characters) {
    used += widthOf(character);
    if (used > width - 1) break;
    kept += character;
  }
  return `${kept}…`;
}

/** The COMMAND column: the words joined, cut to 20 cells unless full is asked for, in double quotes. */
export function formatCommand(words: readonly string[], { full }: { readonly full: boolean }): string {
  const command = words.join(" ");
  return quote(full ? command : ellipsis(command, commandWidth));
}

/** A text in double quotes with Go's escapes, so that no control character reaches the terminal. */
export function quote(text: string): string {
  return JSON.stringify(text)
    .replace(/\\u00([\da-f]{2})/g, "\\x$1")
    .replace(/[\u007f-\u009f]/g, (control) => `\\x${control.charCodeAt(0).toString(16)}`);
}

/** Labels as one text, sorted by key: "a=1,b=2". */
export function formatLabels(labels: Readonly<Record<string, string>>): string {
  return Object.keys(labels)
    .sort()
    .map((key) => `${key}=${labels[key]}`)
    .join(",");
}

function widthOf(character: string): number {
  return wide.test(character) ? 2 : 1;
}
