// SPDX-License-Identifier: Apache-2.0
// Tables without borders, column for column as docker prints them.

const usualWidth = 10;
const padding = 3;

/**
 * Aligns lines whose cells are separated by tabs. A column is as wide as its widest cell and three spaces, at least as
 * wide as minimumWidth; it ends where a line has no tab for it. What follows a line's last tab is not padded. Widths count code points.
 */
export function alignColumns(text: string, { minimumWidth = usualWidth } = {}): string {
  const lines = text.split("\n").map((line) => line.split("\t"));
  const widths = lines.map(() => [] as number[]);
  const columns = Math.max(...lines.map((cells) => cells.length - 1));
  for (let column = 0; column < columns; column++) {
    for (let first = 0; first < lines.length; first++) {
      const block = lines.slice(first).findIndex((cells) => cells.length - 1 <= column);
      const end = block === -1 ? lines.length : first + block;
      const cells = lines.slice(first, end).map((line) => line[column] ?? "");
      const width = Math.max(minimumWidth, ...cells.map((cell) => lengthOf(cell) + padding));
      for (let at = first; at < end; at++) widths[at]?.push(width);
      first = Math.max(first, end - 1);
    }
  }
  return lines.map((cells, at) => cells.map((cell, column) => pad(cell, widths[at]?.[column])).join("")).join("\n");
}

function pad(cell: string, width: number | undefined): string {
  return width === undefined ? cell : cell + " ".repeat(Math.max(0, width - lengthOf(cell)));
}

function lengthOf(text: string): number {
  return Array.from(text).length;
}
