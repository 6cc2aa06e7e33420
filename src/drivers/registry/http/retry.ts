// SPDX-License-Identifier: Apache-2.0
// When to ask a registry again: connection failures, 429 and 5xx, after exponentially growing pauses with jitter or as
// long as Retry-After asks (RFC 9110, 10.2.3), within a cap. Never on another 4xx.

import { delay } from "../../../base/lifetime.ts";

export interface RetryPolicy {
  /** How often one request is sent at most. */
  readonly attempts: number;
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
}

export const defaultRetryPolicy: RetryPolicy = { attempts: 5, firstPauseMs: 200, longestPauseMs: 30_000 };

const retriedErrors = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_SOCKET",
  "UND_ERR_CONNECT_TIMEOUT",
  "UND_ERR_HEADERS_TIMEOUT",
  "UND_ERR_BODY_TIMEOUT",
  "UND_ERR_RES_CONTENT_LENGTH_MISMATCH",
]);

/** Whether a connection that failed with this may work the next time. */
export function isTransient(error: unknown): boolean {
  for (let current = error, depth = 0; depth < 8 && typeof current === "object" && current !== null; depth++) {
    const { code, cause } = current as { readonly code?: unknown; readonly cause?: unknown };
    if (typeof code === "string" && retriedErrors.has(code)) return true;
    current = cause;
  }
  return false;
}

export function isRetriedStatus(status: number): boolean {
  return status === 429 || (status >= 500 && status !== 501 && status !== 505);
}

/** Waits before the attempt after this one (1 is the first); the signal's reason ends it early. */
export async function pause(
  policy: RetryPolicy,
  attempt: number,
  { retryAfter, signal }: { readonly retryAfter?: string | undefined; readonly signal: AbortSignal },
): Promise<void> {
  const exponential = policy.firstPauseMs * 2 ** (attempt - 1) * (0.5 + Math.random());
  const wanted = retryAfterMs(retryAfter, Date.now()) ?? exponential;
  await delay(Math.min(wanted, policy.longestPauseMs), { signal });
}

/** Milliseconds that a Retry-After header asks for, as seconds or as a date; undefined when it says nothing usable. */
export function retryAfterMs(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d+$/.test(header.trim())) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
