// SPDX-License-Identifier: Apache-2.0
// Progress of pulls and pushes: one line a layer, rewritten in place on a terminal, and a line for each change of status
// elsewhere.

import { humanSize } from "../format/human.ts";

/** A step of a layer, or a line of its own when there is no id. */
export interface ProgressEvent {
  readonly id?: string;
  readonly status: string;
  /** Bytes done so far. */
  readonly current?: number;
  /** Bytes in all; absent when nobody knows. */
  readonly total?: number;
}

/** Where progress is shown. */
export interface ProgressOutput {
  readonly write: (text: string) => unknown;
  /** Whether lines can be rewritten. */
  readonly isTTY?: boolean;
  /** Width of the terminal now; read anew for each line, so a resize counts from the next one on. */
  readonly columns?: number;
}

const barWidth = 50;
/** A narrower terminal shows the numbers only. */
const columnsForBar = 110;
const escape = "\u001b[";

/** A display that is told of events one by one. */
export interface Progress {
  readonly show: (event: ProgressEvent) => void;
}

/** The display that fits the output. No colours are used, so NO_COLOR asks nothing of it. */
export function createProgress(output: ProgressOutput): Progress {
  return output.isTTY === true ? new TerminalProgress(output) : new PlainProgress(output);
}

/** One line a change of status; byte counts are left out. */
class PlainProgress implements Progress {
  readonly #output: ProgressOutput;
  readonly #statuses = new Map<string, string>();

  constructor(output: ProgressOutput) {
    this.#output = output;
  }

  show({ id, status }: ProgressEvent): void {
    if (id !== undefined && this.#statuses.get(id) === status) return;
    if (id !== undefined) this.#statuses.set(id, status);
    this.#output.write(`${id === undefined ? "" : `${id}: `}${status}\n`);
  }
}

/** One line a layer. The cursor rests at the beginning of the line below the last one. */
class TerminalProgress implements Progress {
  readonly #output: ProgressOutput;
  /** The line of each layer, counted from the first. */
  #lines = new Map<string, number>();

  constructor(output: ProgressOutput) {
    this.#output = output;
  }

  show(event: ProgressEvent): void {
    const columns = this.#output.columns ?? columnsForBar + 1;
    if (event.id === undefined) {
      // What scrolls in between would make the lines above wrong.
      this.#lines = new Map();
      this.#output.write(`${event.status}\n`);
      return;
    }
    let line = this.#lines.get(event.id);
    let text = "";
    if (line === undefined) {
      line = this.#lines.size;
      this.#lines.set(event.id, line);
      text = "\n";
    }
    const distance = this.#lines.size - line;
    // A line that wrapped would take two, and every later movement would miss by one.
    const shown = cut(describe(event, columns), columns - 1);
    this.#output.write(`${text}${escape}${distance}A\r${escape}2K${shown}\r${escape}${distance}B`);
  }
}

/** "a1b2c3d4e5f6: Downloading [====>   ]  1.2MB/5.6MB", for a terminal of this width. */
export function describe({ id, status, current, total }: ProgressEvent, columns: number): string {
  const label = id === undefined ? status : `${id}: ${status}`;
  const amount = describeAmount(current ?? 0, total ?? 0, columns);
  return amount === "" ? label : `${label} ${amount}`;
}

function describeAmount(current: number, total: number, columns: number): string {
  if (current <= 0 && total <= 0) return "";
  const done = humanSize(current).padStart(8);
  if (total <= 0) return done;
  const filled = Math.min(barWidth, Math.floor((current / total) * barWidth));
  const bar = columns > columnsForBar ? `[${"=".repeat(filled)}>${" ".repeat(barWidth - filled)}] ` : "";
  // More than all was not all: the total is wrong and is not shown.
  return bar + (current > total ? done : `${done}/${humanSize(total)}`);
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : text.slice(0, Math.max(0, width));
}
