// SPDX-License-Identifier: Apache-2.0
// The functions that a template may call: those of Go's text/template that make sense here, and Docker's json, join,
// split, lower, upper, title, pad and truncate. They throw FunctionError; the interpreter adds where.

import { printf } from "./printf.ts";
import { entryOf, isMap, isTrue, printValue, toJson, typeNameOf } from "./values.ts";

/** A complaint of a function about its arguments. */
export class FunctionError extends Error {
  override readonly name = "FunctionError";
}

/** A function with the types of its parameters; the last one repeats when it is variadic. */
export interface TemplateFunction {
  readonly parameters: readonly ParameterType[];
  readonly variadic?: boolean;
  readonly call: (args: readonly never[]) => unknown;
}

/** What a parameter takes; "strings" is a list of them. */
export type ParameterType = "any" | "string" | "int" | "strings";

function define<T extends readonly unknown[]>(
  parameters: readonly ParameterType[],
  call: (...args: T) => unknown,
  variadic = false,
): TemplateFunction {
  return { parameters, variadic, call: (args) => call(...(args as unknown as T)) };
}

/** and & or are here for their names and counts; the interpreter calls them lazily. */
export const functions: ReadonlyMap<string, TemplateFunction> = new Map([
  ["and", define(["any", "any"], (...values: readonly unknown[]) => values.find((value) => !isTrue(value)), true)],
  ["or", define(["any", "any"], (...values: readonly unknown[]) => values.find(isTrue), true)],
  ["not", define(["any"], (value: unknown) => !isTrue(value))],
  ["len", define(["any"], lengthOf)],
  ["index", define(["any", "any"], index, true)],
  ["slice", define(["any", "int"], slice, true)],
  ["print", define(["any"], (...values: readonly unknown[]) => print(values), true)],
  ["println", define(["any"], (...values: readonly unknown[]) => `${values.map(printValue).join(" ")}\n`, true)],
  ["printf", define(["string", "any"], (format: string, ...rest: readonly unknown[]) => printf(format, rest), true)],
  ["eq", define(["any", "any"], equalToAny, true)],
  ["ne", define(["any", "any"], (a: unknown, b: unknown) => !equal(a, b))],
  ["lt", define(["any", "any"], (a: unknown, b: unknown) => less(a, b))],
  ["le", define(["any", "any"], (a: unknown, b: unknown) => less(a, b) || equal(a, b))],
  ["gt", define(["any", "any"], (a: unknown, b: unknown) => less(b, a))],
  ["ge", define(["any", "any"], (a: unknown, b: unknown) => !less(a, b))],
  ["json", define(["any"], toJson)],
  ["join", define(["strings", "string"], (parts: readonly string[], separator: string) => parts.join(separator))],
  ["split", define(["string", "string"], (text: string, separator: string) => text.split(separator))],
  ["lower", define(["string"], (text: string) => text.toLowerCase())],
  ["upper", define(["string"], (text: string) => text.toUpperCase())],
  ["title", define(["string"], title)],
  ["pad", define(["string", "int", "int"], pad)],
  ["truncate", define(["string", "int"], (text: string, length: number) => Array.from(text).slice(0, length).join(""))],
]);

/** Functions for the header of a table: what reshapes a value leaves the column's name alone. */
export const headerFunctions: ReadonlyMap<string, TemplateFunction> = new Map([
  ...functions,
  ...["json", "title", "lower", "upper", "split"].map(
    (name) => [name, define(["string", "any"], (header: string) => header, true)] as const,
  ),
  ["join", define(["string", "any"], (header: string) => header)],
  ["truncate", define(["string", "int"], (header: string) => header)],
]);

/** Spaces between two values when neither is a text, as Go's Sprint. */
function print(values: readonly unknown[]): string {
  return values.reduce<string>((text, value, at) => {
    const spaced = at > 0 && typeof value !== "string" && typeof values[at - 1] !== "string";
    return `${text}${spaced ? " " : ""}${printValue(value)}`;
  }, "");
}

function title(text: string): string {
  return text.replace(/(?<![\p{L}\p{Nd}_'])\p{L}/gu, (letter) => letter.toUpperCase());
}

function pad(text: string, before: number, after: number): string {
  return text === "" ? text : " ".repeat(before) + text + " ".repeat(after);
}

function lengthOf(value: unknown): number {
  if (typeof value === "string") return new TextEncoder().encode(value).length;
  if (Array.isArray(value)) return value.length;
  if (value instanceof Map) return value.size;
  if (isMap(value)) return Object.keys(value).length;
  if (value === undefined || value === null) throw new FunctionError("len of nil pointer");
  throw new FunctionError(`len of type ${typeNameOf(value)}`);
}

function index(value: unknown, ...keys: readonly unknown[]): unknown {
  return keys.reduce((current: unknown, key: unknown) => {
    if (current === undefined || current === null) throw new FunctionError("index of untyped nil");
    if (Array.isArray(current) || typeof current === "string") {
      if (typeof key !== "number") throw new FunctionError(`cannot index slice/array with type ${typeNameOf(key)}`);
      if (key < 0 || key >= current.length) throw new FunctionError(`index out of range: ${key}`);
      return typeof current === "string" ? current.charCodeAt(key) : (current[key] as unknown);
    }
    if (!isMap(current)) throw new FunctionError(`can't index item of type ${typeNameOf(current)}`);
    if (typeof key !== "string") throw new FunctionError(`value has type ${typeNameOf(key)}; should be string`);
    return entryOf(current, key);
  }, value);
}

function slice(value: unknown, ...bounds: readonly number[]): unknown {
  if (typeof value !== "string" && !Array.isArray(value))
    throw new FunctionError(`can't slice item of type ${typeNameOf(value)}`);
  const [from = 0, to = value.length] = bounds;
  for (const bound of [from, to])
    if (bound < 0 || bound > value.length) throw new FunctionError(`index out of range: ${bound}`);
  if (from > to) throw new FunctionError(`invalid slice index: ${from} > ${to}`);
  return value.slice(from, to);
}

function equalToAny(value: unknown, ...others: readonly unknown[]): boolean {
  return others.some((other) => equal(value, other));
}

function equal(a: unknown, b: unknown): boolean {
  const [first, second] = [a ?? null, b ?? null];
  if (first === null || second === null) return first === second;
  for (const value of [first, second])
    if (typeof value === "object")
      throw new FunctionError(`non-comparable type ${printValue(value)}: ${typeNameOf(value)}`);
  checkKinds(first, second);
  // Numbers and bigints compare by value.
  return kindOf(first) === "number" ? Number(first) === Number(second) : first === second;
}

function less(a: unknown, b: unknown): boolean {
  for (const value of [a, b])
    if (kindOf(value) !== "number" && typeof value !== "string") throw new FunctionError("invalid type for comparison");
  checkKinds(a, b);
  return (a as number | string) < (b as number | string);
}

function checkKinds(a: unknown, b: unknown): void {
  if (kindOf(a) === kindOf(b)) return;
  throw new FunctionError(`incompatible types for comparison: ${typeNameOf(a)} and ${typeNameOf(b)}`);
}

function kindOf(value: unknown): string {
  return typeof value === "bigint" ? "number" : typeof value;
}
