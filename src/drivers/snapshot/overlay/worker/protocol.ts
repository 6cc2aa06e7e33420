// SPDX-License-Identifier: Apache-2.0
// What the snapshotter and its worker threads tell each other. A request has an id; any number of progress replies and
// then exactly one result or failure answer it. Cancelling is asking for an early failure.

import type { ErrorCode } from "../../../../base/errors.ts";
import type { SnapshotChange } from "../../../../core/snapshots/snapshotter.ts";
import type { LayerApplication } from "../unpack/apply-layer.ts";
import type { TreeUsage } from "../unpack/measure-tree.ts";

export type WorkerJob =
  | ({ readonly kind: "apply" } & LayerApplication)
  | { readonly kind: "measure"; readonly directory: string }
  /** Makes what was written durable, then measures. */
  | { readonly kind: "seal"; readonly directory: string }
  /** Writes what the directory has as a layer. */
  | {
      readonly kind: "diff";
      readonly directory: string;
      readonly file: string;
      readonly omit: readonly string[];
    }
  /** Lists what the directory has otherwise than the layers below. */
  | { readonly kind: "changes"; readonly directory: string; readonly lower: readonly string[] }
  | { readonly kind: "remove"; readonly parent: string; readonly name: string };

/** What a job gives; jobs with nothing to tell give zeros. */
export type WorkerResult<J extends WorkerJob = WorkerJob> = J extends { readonly kind: "changes" }
  ? readonly SnapshotChange[]
  : TreeUsage;

export type WorkerRequest =
  | { readonly id: number; readonly job: WorkerJob }
  | { readonly id: number; readonly cancel: true };

export type WorkerReply =
  | { readonly id: number; readonly progress: number }
  | { readonly id: number; readonly result: WorkerResult }
  | { readonly id: number; readonly failure: { readonly code: ErrorCode; readonly message: string } };
