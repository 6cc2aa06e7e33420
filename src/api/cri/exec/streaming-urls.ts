// SPDX-License-Identifier: Apache-2.0

import type { AttachRequest, ExecRequest } from "../streaming/streaming-runtime.ts";

/** Where a client goes on with what it asked for; each URL works once and for a short time. */
export interface StreamingUrls {
  execUrl(request: ExecRequest): string;
  attachUrl(request: AttachRequest): string;
  portForwardUrl(request: { readonly sandboxId: string; readonly ports: readonly number[] }): string;
}
