// SPDX-License-Identifier: Apache-2.0
// What the client throws: one error type with a code, so that callers act on codes and not on texts.

interface BerthErrorOptions extends ErrorOptions {
  readonly isFromDaemon?: boolean;
}

/** A failure that the daemon reported, or the failure to reach it (code "unavailable"). */
export class BerthError extends Error {
  override readonly name = "BerthError";
  /** One of the engine's codes, such as "not-found" or "conflict". */
  readonly code: string;
  /** The daemon itself said so: it was reached. */
  readonly isFromDaemon: boolean;

  constructor(code: string, message: string, options: BerthErrorOptions = {}) {
    super(message, options);
    this.code = code;
    this.isFromDaemon = options.isFromDaemon ?? false;
  }
}

/** The error of a unary call's response: Connect's JSON, with the engine's own code in a header. */
export function errorOfResponse(status: number, berthCode: string | undefined, body: Uint8Array): BerthError {
  const { code, message } = parseConnectError(body) ?? {};
  if (code === undefined) return new BerthError("unknown", `the daemon answered with HTTP status ${status}`);
  return new BerthError(berthCode ?? engineCode(code), message ?? "", { isFromDaemon: true });
}

/** The error in the message that ends a stream; undefined when it ended well. */
export function errorOfEndStream(data: Uint8Array): BerthError | undefined {
  const end = (parseJson(data) ?? {}) as {
    readonly error?: unknown;
    readonly metadata?: Readonly<Record<string, string[]>>;
  };
  if (end.error === undefined) return undefined;
  const { code = "unknown", message = "" } = end.error as { readonly code?: string; readonly message?: string };
  const [berthCode] = end.metadata?.["berth-code"] ?? [];
  return new BerthError(berthCode ?? engineCode(code), message, { isFromDaemon: true });
}

function parseConnectError(body: Uint8Array): { readonly code?: string; readonly message?: string } | undefined {
  const value = parseJson(body);
  return typeof value === "object" && value !== null ? value : undefined;
}

/** undefined when it is no JSON: something else than the daemon answered. */
function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}

/** Connect's name of a code (connectrpc.com/docs/protocol, "Error codes") as the engine spells it. */
function engineCode(code: string): string {
  if (code === "canceled") return "cancelled";
  if (code === "unimplemented") return "not-implemented";
  return code.replaceAll("_", "-");
}
