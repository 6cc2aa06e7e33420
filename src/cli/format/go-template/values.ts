// SPDX-License-Identifier: Apache-2.0
// How JavaScript values look to a template: undefined is a missing value, null is nil, a plain object or a Map is a map
// with string keys, an object made by struct() has a fixed set of fields, an array is a slice, a function is a method.

const structName: unique symbol = Symbol("structName");

/** What a template may be applied to. */
export type Fields = Readonly<Record<string, unknown>>;

/** An object whose fields are known: asking for another one is an error that names the type. Functions are methods. */
export function struct(typeName: string, fields: Fields): Fields {
  return Object.defineProperty({ ...fields }, structName, { value: typeName });
}

export function structNameOf(value: object): string | undefined {
  return (value as { readonly [structName]?: string })[structName];
}

/** Whether the value is a plain object or a Map, and not made by struct(). */
export function isMap(value: unknown): value is Fields | ReadonlyMap<string, unknown> {
  if (value instanceof Map) return true;
  return isObject(value) && structNameOf(value) === undefined;
}

export function isStruct(value: unknown): value is Fields {
  return isObject(value) && structNameOf(value) !== undefined;
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Map);
}

/** The entries of a map in the order of their keys, as Go ranges over and prints them. */
export function sortedEntries(map: Fields | ReadonlyMap<string, unknown>): readonly (readonly [string, unknown])[] {
  const entries = map instanceof Map ? [...(map as ReadonlyMap<string, unknown>)] : Object.entries(map);
  return entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}

/** The entry of a map, undefined when there is none. */
export function entryOf(map: Fields | ReadonlyMap<string, unknown>, key: string): unknown {
  if (map instanceof Map) return (map as ReadonlyMap<string, unknown>).get(key);
  return Object.hasOwn(map, key) ? (map as Fields)[key] : undefined;
}

/** The name of a value's type as Go would print it. */
export function typeNameOf(value: unknown): string {
  switch (typeof value) {
    case "string":
      return "string";
    case "boolean":
      return "bool";
    case "bigint":
      return "int64";
    case "number":
      return Number.isInteger(value) ? "int" : "float64";
    case "function":
      return "func";
    default:
      if (value === undefined || value === null) return "<nil>";
      if (Array.isArray(value)) return isTexts(value) ? "[]string" : "[]interface {}";
      return structNameOf(value) ?? "map[string]interface {}";
  }
}

/** Whether if, with, and, or and not take the value as true: everything but zero and empty values. */
export function isTrue(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (value instanceof Map) return value.size > 0;
  if (isMap(value)) return Object.keys(value).length > 0;
  return Boolean(value);
}

/** A value as a template prints it at the top: text as it is, nothing as "<no value>". */
export function printTop(value: unknown): string {
  return value === undefined || value === null ? "<no value>" : printValue(value);
}

/** A value as Go's %v prints it: [a b], map[k:v], {a b}, <nil>. */
export function printValue(value: unknown): string {
  if (value === undefined || value === null) return "<nil>";
  if (Array.isArray(value)) return `[${value.map(printValue).join(" ")}]`;
  if (isMap(value))
    return `map[${sortedEntries(value)
      .map(([key, item]) => `${key}:${printValue(item)}`)
      .join(" ")}]`;
  if (isStruct(value)) return `{${Object.values(value).filter(isData).map(printValue).join(" ")}}`;
  return typeof value === "number" ? printNumber(value) : String(value as string | boolean | bigint);
}

/** A number as Go's %v prints it: exponents from 21 digits on have two digits. */
export function printNumber(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  return String(value).replace(/e([+-])(\d)$/, "e$10$2");
}

/** A value as JSON on one line: fields of structs in their order, keys of Maps sorted, methods left out. */
export function toJson(value: unknown): string {
  const text = JSON.stringify(value, (_key, item: unknown) => {
    if (typeof item === "bigint") return Number(item);
    return item instanceof Map ? Object.fromEntries(sortedEntries(item as ReadonlyMap<string, unknown>)) : item;
  }) as string | undefined;
  return text ?? "null";
}

function isTexts(values: readonly unknown[]): boolean {
  return values.length > 0 && values.every((value) => typeof value === "string");
}

function isData(value: unknown): boolean {
  return typeof value !== "function";
}
