// SPDX-License-Identifier: Apache-2.0
// Templates of --format: the part of Go's text/template that docker's users write. Left out are define, template and
// block, and the functions call, html, js and urlquery.

import { functions, headerFunctions } from "./functions.ts";
import { execute } from "./interpreter.ts";
import { parse } from "./parser.ts";

/** A template that was read once and can be applied to many values. */
export interface Template {
  /** The text for this value; throws invalid-argument, in Go's words, when the template does not fit it. */
  readonly execute: (value: unknown, options?: ExecuteOptions) => string;
  /** The text for the names of a table's columns by field: functions that change values leave the names alone. */
  readonly executeHeader: (headers: Readonly<Record<string, string>>) => string;
}

export interface ExecuteOptions {
  /** What a key that a map lacks does: prints "<no value>" (the default) or is an error, as in docker inspect. */
  readonly missingKey?: "print" | "error";
}

/** Reads a template; throws invalid-argument "template parsing error: template: :1: …". */
export function parseTemplate(text: string): Template {
  const nodes = parse(text, new Set(functions.keys()));
  return {
    execute: (value, { missingKey = "print" } = {}) =>
      execute(nodes, value, { template: text, functions, missingKeyIsError: missingKey === "error" }),
    executeHeader: (headers) =>
      execute(nodes, headers, { template: text, functions: headerFunctions, missingKeyIsError: false }),
  };
}
