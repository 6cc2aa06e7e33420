// SPDX-License-Identifier: Apache-2.0
// A runtime specification as text and back, without loss: RLIM_INFINITY and the like are numbers that no double holds.

import type { RuntimeSpec } from "./spec.ts";

export function formatRuntimeSpec(spec: RuntimeSpec): string {
  return JSON.stringify(spec);
}

/** Of a text that formatRuntimeSpec made. */
export function parseRuntimeSpec(text: string): RuntimeSpec {
  return JSON.parse(text, exactNumber as (key: string, value: unknown) => unknown) as RuntimeSpec;
}

interface ReviverContext {
  /** The text of a primitive value. */
  readonly source?: string;
}

const exactJson = JSON as unknown as { rawJSON(text: string): unknown };

function exactNumber(_key: string, value: unknown, { source }: ReviverContext): unknown {
  const isExact = typeof value !== "number" || !Number.isInteger(value) || Number.isSafeInteger(value);
  return isExact || source === undefined ? value : exactJson.rawJSON(source);
}
