// SPDX-License-Identifier: Apache-2.0
// What a transfer tells while it goes on, in the words of Docker's clients: a line for each layer, known by its short
// digest, that changes; and lines without an id for the whole.

import { shortId } from "../../base/ids.ts";
import type { Descriptor } from "../../oci/image/descriptor.ts";

export interface TransferProgress {
  /** The short digest of a layer, or the tag; none for a line about the whole. */
  readonly id?: string;
  /** Pulling fs layer, Waiting, Downloading, …, Pull complete; Preparing, Pushing, Pushed, … */
  readonly status: string;
  /** Bytes, where the status has an amount. */
  readonly current?: number;
  readonly total?: number;
}

export type OnProgress = (progress: TransferProgress) => void;

const reportEveryMs = 100;

/** Tells about one layer; amounts at most ten times a second, and always the last of them. */
export class LayerProgress {
  readonly #report: OnProgress;
  readonly #id: string;
  readonly #total: number;
  #lastStatus = "";
  #lastAmount = 0;

  constructor(layer: Descriptor, report: OnProgress) {
    this.#report = report;
    this.#id = shortId(layer.digest);
    this.#total = layer.size;
  }

  status(status: string): void {
    this.#lastStatus = status;
    this.#report({ id: this.#id, status });
  }

  amount(status: string, current: number): void {
    const now = Date.now();
    const isNew = status !== this.#lastStatus;
    if (!isNew && current < this.#total && now - this.#lastAmount < reportEveryMs) return;
    this.#lastStatus = status;
    this.#lastAmount = now;
    this.#report({ id: this.#id, status, current, total: this.#total });
  }
}
