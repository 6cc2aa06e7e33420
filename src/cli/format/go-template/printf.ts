// SPDX-License-Identifier: Apache-2.0
// printf of templates: the verbs, flags and complaints of Go's fmt (https://pkg.go.dev/fmt) for the types that a
// template can meet.

import { quote } from "../text.ts";
import { printNumber, printValue, typeNameOf } from "./values.ts";

const verbPattern = /%([-+# 0]*)(\d+|\*)?(?:\.(\d+)?)?([\s\S]|$)/gu;

/** Formats the values; a verb that does not fit becomes %!verb(type=value) as in Go. */
export function printf(format: string, values: readonly unknown[]): string {
  let used = 0;
  const text = format.replace(verbPattern, (whole: string, ...groups: readonly (string | undefined)[]) => {
    const [flags = "", widthText, precisionText, verb = ""] = groups;
    if (verb === "") return "%!(NOVERB)";
    if (verb === "%") return "%";
    const width = widthText === "*" ? Number(values[used++]) : Number(widthText ?? 0);
    if (used >= values.length) return `%!${verb}(MISSING)`;
    const precision = whole.includes(".") ? Number(precisionText ?? 0) : undefined;
    return pad(formatOne(verb, values[used++], flags, precision), width, flags);
  });
  if (used >= values.length) return text;
  const extra = values.slice(used).map((value) => `${typeNameOf(value)}=${printValue(value)}`);
  return `${text}%!(EXTRA ${extra.join(", ")})`;
}

function formatOne(verb: string, value: unknown, flags: string, precision: number | undefined): string {
  if (verb === "v") return printValue(value);
  if (verb === "T") return typeNameOf(value);
  if (Array.isArray(value)) return `[${value.map((item) => formatOne(verb, item, flags, precision)).join(" ")}]`;
  const text =
    typeof value === "string"
      ? formatText(verb, value, precision)
      : typeof value === "number" || typeof value === "bigint"
        ? formatNumber(verb, value, precision)
        : verb === "t" && typeof value === "boolean"
          ? String(value)
          : undefined;
  if (text !== undefined) return flags.includes("+") && /^\d/.test(text) && verb !== "s" ? `+${text}` : text;
  if (value === undefined || value === null) return `%!${verb}(<nil>)`;
  return `%!${verb}(${typeNameOf(value)}=${printValue(value)})`;
}

function formatText(verb: string, text: string, precision: number | undefined): string | undefined {
  const cut = precision === undefined ? text : Array.from(text).slice(0, precision).join("");
  if (verb === "s") return cut;
  if (verb === "q") return quote(cut);
  if (verb !== "x" && verb !== "X") return undefined;
  const hexadecimal = Array.from(new TextEncoder().encode(cut), (byte) => byte.toString(16).padStart(2, "0")).join("");
  return verb === "x" ? hexadecimal : hexadecimal.toUpperCase();
}

function formatNumber(verb: string, value: number | bigint, precision: number | undefined): string | undefined {
  const whole = typeof value === "bigint" || Number.isInteger(value);
  switch (verb) {
    case "d":
      return whole ? value.toString() : undefined;
    case "x":
      return whole ? value.toString(16) : undefined;
    case "X":
      return whole ? value.toString(16).toUpperCase() : undefined;
    case "o":
      return whole ? value.toString(8) : undefined;
    case "b":
      return whole ? value.toString(2) : undefined;
    case "c":
      return whole ? String.fromCodePoint(Number(value)) : undefined;
    case "f":
      return Number(value).toFixed(precision ?? 6);
    case "e":
      return Number(value)
        .toExponential(precision ?? 6)
        .replace(/e([+-])(\d)$/, "e$10$2");
    case "g":
      return printNumber(precision === undefined ? Number(value) : Number(Number(value).toPrecision(precision || 1)));
    default:
      return undefined;
  }
}

function pad(text: string, width: number, flags: string): string {
  const missing = width - Array.from(text).length;
  if (missing <= 0) return text;
  if (flags.includes("-")) return text + " ".repeat(missing);
  const sign = /^[+-]?/.exec(text)?.[0] ?? "";
  if (flags.includes("0") && /^[+-]?[\d.]+$/.test(text)) return sign + "0".repeat(missing) + text.slice(sign.length);
  return " ".repeat(missing) + text;
}
