// SPDX-License-Identifier: Apache-2.0
// Errors of templates in the words of Go's text/template with Docker's prefixes, because scripts and people know them.

import { type EngineError, invalidArgument } from "../../../base/errors.ts";
import type { Place } from "./syntax.ts";

/** The template cannot be read; says in which line. */
export function parseError(template: string, position: number, message: string): EngineError {
  return invalidArgument(`template parsing error: template: :${lineAt(template, position)}: ${message}`);
}

/** The template can be read but not applied to this value; says at which node. */
export function executionError(template: string, place: Place, message: string): EngineError {
  const column = place.position - (template.lastIndexOf("\n", place.position - 1) + 1);
  const location = `:${lineAt(template, place.position)}:${column}`;
  return invalidArgument(`template: ${location}: executing "" at <${place.source}>: ${message}`);
}

function lineAt(template: string, position: number): number {
  return template.slice(0, position).split("\n").length;
}
