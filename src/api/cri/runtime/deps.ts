// SPDX-License-Identifier: Apache-2.0
// What the handlers of the runtime service work with; the daemon puts it together once.

import type { Engine } from "../../../core/lifecycle/engine.ts";
import type { StreamingUrls } from "../exec/streaming-urls.ts";

export interface CriRuntime {
  readonly engine: Engine;
  /** Berth's own. */
  readonly version: string;
  readonly streaming: StreamingUrls;
  /** Whether root filesystems can be mounted with mapped owners here. */
  readonly canIdmap: boolean;
  /** What a verbose Status shows of the configuration. */
  readonly info: Readonly<Record<string, unknown>>;
}

/** A handler's last parameter. */
export interface Waiting {
  readonly signal: AbortSignal;
}
