// SPDX-License-Identifier: Apache-2.0
// Cuts a template into text and the tokens of its actions. Trim markers and comments are gone after it. The rules and
// the error texts are those of Go's text/template (https://pkg.go.dev/text/template).

import { parseError } from "./errors.ts";

/** One lexical unit; "open" and "close" are the braces around an action. */
export interface Token {
  readonly kind:
    | "text"
    | "open"
    | "close"
    | "space"
    | "field"
    | "variable"
    | "identifier"
    | "string"
    | "character"
    | "number"
    | "punctuation"
    | "end";
  /** As written, but a text token is trimmed. */
  readonly text: string;
  readonly position: number;
}

const openDelimiter = "{{";
const closeDelimiter = "}}";
const whiteSpace = /[ \t\r\n]/;
const word = /[\p{L}\p{Nd}_]+/uy;
const number =
  /[+-]?(?:0[xX][\da-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|\d[\d_]*(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)/y;
const quoted = /"(?:[^"\\\n]|\\.)*"/y;
const raw = /`[^`]*`/y;
const character = /'(?:[^'\\\n]|\\.)+'/y;
const spaces = /[ \t\r\n]+/y;

/** All tokens of a template, ending with one of kind "end". */
export function tokenize(template: string): readonly Token[] {
  const tokens: Token[] = [];
  let position = 0;
  let trimLeft = false;
  for (;;) {
    const open = template.indexOf(openDelimiter, position);
    const trimRight = open !== -1 && template[open + 2] === "-" && whiteSpace.test(template[open + 3] ?? "");
    let text = template.slice(position, open === -1 ? undefined : open);
    if (trimLeft) text = text.replace(/^[ \t\r\n]+/, "");
    if (trimRight) text = text.replace(/[ \t\r\n]+$/, "");
    if (text !== "") tokens.push({ kind: "text", text, position });
    if (open === -1) break;
    const inside = open + (trimRight ? 4 : 2);
    const comment = readComment(template, inside);
    if (comment === undefined) {
      tokens.push({ kind: "open", text: openDelimiter, position: open });
      position = readAction(template, inside, tokens);
    } else position = comment;
    trimLeft = template[position - 3] === "-" && whiteSpace.test(template[position - 4] ?? "");
  }
  tokens.push({ kind: "end", text: "", position: template.length });
  return tokens;
}

/** The offset after the action if it is a comment. */
function readComment(template: string, start: number): number | undefined {
  if (!template.startsWith("/*", start)) return undefined;
  const end = template.indexOf("*/", start + 2);
  if (end === -1) throw parseError(template, start, "unclosed comment");
  const closing = /^(?:[ \t\r\n]-)?\}\}/.exec(template.slice(end + 2, end + 6));
  if (closing === null) throw parseError(template, end, "comment ends before closing delimiter");
  return end + 2 + closing[0].length;
}

/** Reads up to and with the closing braces; gives the offset after them. */
function readAction(template: string, start: number, tokens: Token[]): number {
  let depth = 0;
  let position = start;
  for (;;) {
    const trimmed = /^[ \t\r\n]-\}\}/.test(template.slice(position, position + 4));
    if (trimmed || template.startsWith(closeDelimiter, position)) {
      if (depth > 0) throw parseError(template, position, "unclosed left paren");
      tokens.push({ kind: "close", text: closeDelimiter, position });
      return position + (trimmed ? 4 : 2);
    }
    const token = readToken(template, position);
    if (token.text === "(") depth++;
    if (token.text === ")" && --depth < 0) throw parseError(template, position, "unexpected right paren");
    tokens.push(token);
    position += token.text.length;
  }
}

function readToken(template: string, position: number): Token {
  const match = (pattern: RegExp, from = position) => {
    pattern.lastIndex = from;
    return pattern.exec(template)?.[0];
  };
  const make = (kind: Token["kind"], text: string): Token => ({ kind, text, position });
  const first = template[position];
  if (first === undefined) throw parseError(template, template.length, "unclosed action");
  const space = match(spaces);
  if (space !== undefined) {
    // " -}}" belongs to the closing braces.
    const closes = template.startsWith("-}}", position + space.length) && space.length > 1;
    return make("space", closes ? space.slice(0, -1) : space);
  }
  if (first === '"') return make("string", match(quoted) ?? unterminated(template, position, "quoted string"));
  if (first === "`") return make("string", match(raw) ?? unterminated(template, position, "raw quoted string"));
  if (first === "'")
    return make("character", match(character) ?? unterminated(template, position, "character constant"));
  if (template.startsWith(":=", position)) return make("punctuation", ":=");
  if (first === ":") throw parseError(template, position, "expected :=");
  const digits = match(number);
  if (digits !== undefined) return make("number", terminated(template, position, digits, "bad number syntax"));
  if (first === "." || first === "$") {
    const name = `${first}${match(word, position + 1) ?? ""}`;
    if (name === ".") return make("punctuation", ".");
    return make(first === "." ? "field" : "variable", terminated(template, position, name));
  }
  const name = match(word);
  if (name !== undefined) return make("identifier", terminated(template, position, name));
  if ("()|,=".includes(first)) return make("punctuation", first);
  if (/[ -~]/.test(first)) return make("punctuation", first);
  const rune = String.fromCodePoint(template.codePointAt(position) ?? 0);
  throw parseError(template, position, `unrecognized character in action: ${describeRune(rune)}`);
}

function unterminated(template: string, position: number, what: string): never {
  throw parseError(template, position, `unterminated ${what}`);
}

/** Refuses a word that runs into something that cannot follow one, such as the hyphen in .some-key. */
function terminated(template: string, position: number, text: string, complaint?: string): string {
  const next = template[position + text.length];
  if (next === undefined || /[ \t\r\n.,|:()=]/.test(next)) return text;
  if (template.startsWith(closeDelimiter, position + text.length)) return text;
  if (complaint !== undefined) throw parseError(template, position, `${complaint}: ${quote(text + next)}`);
  const rune = String.fromCodePoint(template.codePointAt(position + text.length) ?? 0);
  throw parseError(template, position, `bad character ${describeRune(rune)}`);
}

function describeRune(rune: string): string {
  const code = (rune.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
  return `U+${code} '${rune}'`;
}

function quote(text: string): string {
  return JSON.stringify(text);
}
