// SPDX-License-Identifier: Apache-2.0
// Errors of shims and OCI runtimes. Their own text is kept: users know it, and clients find out by it that a command does
// not exist or may not be run.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { EngineError, hasCode, messageOf, toEngineError } from "../../../base/errors.ts";

/** What runtimes say of a process that has ended, whatever code the shim makes of it. */
const gone =
  /process already finished|not running|no such process|container not created|does not exist|update a stopped container/i;

export function isGone(error: unknown): boolean {
  return hasCode(error, "not-found") || (hasCode(error, "unknown") && gone.test(messageOf(error)));
}

/**
 * The failure of a runtime with what it wrote to its log, which shims that lost sight of it leave out. Shims then say
 * "unable to retrieve OCI runtime error", with a text about the runtime's file that reads as if the user's was missing.
 */
export async function withRuntimeLog(error: unknown, bundle: string): Promise<EngineError> {
  const known = toEngineError(error);
  const logged = await lastLoggedError(bundle);
  const vague = /unable to retrieve OCI runtime error/.test(known.message);
  if (logged !== undefined) {
    if (known.message.includes(logged)) return known;
    return new EngineError(known.code, vague ? logged : `${known.message}: ${logged}`, { cause: error });
  }
  if (!vague) return known;
  return new EngineError("failed-precondition", "the OCI runtime ended without a word", { cause: error });
}

/** The newest error in a runtime's log: a line of JSON for each entry. */
async function lastLoggedError(bundle: string): Promise<string | undefined> {
  const text = await readFile(join(bundle, "log.json"), "utf8").catch(() => ""); // the runtime did not get so far
  for (const line of text.trim().split("\n").toReversed()) {
    try {
      const { level, msg } = JSON.parse(line) as { readonly level?: unknown; readonly msg?: unknown };
      if (level === "error" && typeof msg === "string") return msg;
    } catch {
      // not an entry
    }
  }
  return undefined;
}
