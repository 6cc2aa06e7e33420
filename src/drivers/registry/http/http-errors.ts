// SPDX-License-Identifier: Apache-2.0
// What people are told when a registry does not answer, or answers with an error (distribution specification, "Error
// codes"). The registry's own words are quoted in one line of limited length.

import { STATUS_CODES } from "node:http";
import {
  EngineError,
  type ErrorCode,
  isEngineError,
  messageOf,
  toEngineError,
  unavailable,
} from "../../../base/errors.ts";
import type { HttpResponse } from "./transport.ts";

const maximumErrorBytes = 64 * 1024;
const maximumDetailLength = 300;

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset",
  EPIPE: "connection closed",
  ETIMEDOUT: "connection timed out",
  ENOTFOUND: "no such host",
  EAI_AGAIN: "name resolution failed",
  EHOSTUNREACH: "no route to host",
  ENETUNREACH: "network is unreachable",
  UND_ERR_SOCKET: "connection closed",
  UND_ERR_CONNECT_TIMEOUT: "connection timed out",
  UND_ERR_HEADERS_TIMEOUT: "no answer in time",
  UND_ERR_BODY_TIMEOUT: "no data in time",
};

const certificateErrors = new Set([
  "CERT_HAS_EXPIRED",
  "CERT_NOT_YET_VALID",
  "CERT_UNTRUSTED",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "ERR_TLS_CERT_ALTNAME_INVALID",
  "HOSTNAME_MISMATCH",
  "INVALID_CA",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
]);

/** A request that brought no answer, as unavailable with the host and the reason; the abort of the signal stays itself. */
export function connectionError(host: string, error: unknown, signal: AbortSignal): EngineError {
  if (signal.aborted) return toEngineError(signal.reason);
  if (isEngineError(error)) return error;
  const code = systemCodeOf(error);
  if (certificateErrors.has(code)) {
    return unavailable(
      `registry ${host}: its certificate is not trusted (${messageOf(error)}): name its authority as ca in hosts.toml under the registry configuration path`,
      error,
    );
  }
  return unavailable(`registry ${host}: ${reasons[code] ?? messageOf(error)}`, error);
}

function systemCodeOf(error: unknown): string {
  for (let current = error, depth = 0; depth < 8 && typeof current === "object" && current !== null; depth++) {
    const { code, cause } = current as { readonly code?: unknown; readonly cause?: unknown };
    if (typeof code === "string") return code;
    current = cause;
  }
  return "";
}

/** "denied: requested access to the resource is denied", or the status where the body says nothing; reads the body. */
export async function readRegistryError(response: HttpResponse): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of response.body as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      size += chunk.byteLength;
      if (size > maximumErrorBytes) break;
    }
  } catch {
    // The explanation broke off: the status alone must do.
  }
  return explanationIn(Buffer.concat(chunks).toString("utf8")) ?? `unexpected status ${statusText(response.status)}`;
}

function statusText(status: number): string {
  return `${status} ${STATUS_CODES[status]?.toLowerCase() ?? ""}`.trimEnd();
}

function explanationIn(text: string): string | undefined {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    return undefined; // An HTML page of some proxy helps nobody.
  }
  if (typeof answer !== "object" || answer === null) return undefined;
  const { errors, details, message: plain } = answer as Readonly<Record<string, unknown>>;
  const first: unknown = Array.isArray(errors) ? errors[0] : undefined;
  const { code, message } = (typeof first === "object" && first !== null ? first : {}) as Readonly<
    Record<string, unknown>
  >;
  const words = [
    typeof code === "string" ? code.toLowerCase().replaceAll("_", " ") : undefined,
    [message, details, plain].find((word) => typeof word === "string" && word !== ""),
  ].filter((word) => typeof word === "string");
  if (words.length === 0) return undefined;
  const unique = words[0] === words[1] ? words.slice(1) : words;
  return unique.join(": ").replace(/\s+/g, " ").slice(0, maximumDetailLength);
}

/** Access refused to a repository or a whole registry: 401 is unauthenticated, 403 permission-denied. */
export function deniedError(status: 401 | 403, name: string, detail: string): EngineError {
  const code: ErrorCode = status === 401 ? "unauthenticated" : "permission-denied";
  return new EngineError(code, `access denied for ${name}: ${detail}`);
}

/** Any other answer that the operation cannot use. */
export function statusError(host: string, status: number, detail: string): EngineError {
  const code: ErrorCode =
    status === 404
      ? "not-found"
      : status === 429
        ? "resource-exhausted"
        : status >= 500
          ? "unavailable"
          : "failed-precondition";
  return new EngineError(code, `registry ${host}: ${detail}`);
}
