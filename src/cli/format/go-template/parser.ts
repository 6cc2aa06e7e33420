// SPDX-License-Identifier: Apache-2.0
// Builds the syntax tree of a template from its tokens, with the error texts of Go's text/template.

import { parseError } from "./errors.ts";
import { type Token, tokenize } from "./lexer.ts";
import type { Branch, Command, Node, Operand, Pipeline } from "./syntax.ts";

const keywords = new Set(["if", "else", "end", "range", "with", "break", "continue", "define", "template", "block"]);
const endToken: Token = { kind: "end", text: "", position: 0 };

/** Reads a template; functions are the names that it may call. */
export function parse(template: string, functions: ReadonlySet<string>): readonly Node[] {
  const parser = new Parser(template, functions);
  return parser.parseAll();
}

/** How a body ended. */
type Ending = "end" | "else";

class Parser {
  readonly #template: string;
  readonly #functions: ReadonlySet<string>;
  readonly #tokens: readonly Token[];
  #index = 0;
  #variables: string[] = ["$"];
  #rangeDepth = 0;

  constructor(template: string, functions: ReadonlySet<string>) {
    this.#template = template;
    this.#functions = functions;
    this.#tokens = tokenize(template);
  }

  parseAll(): readonly Node[] {
    const { nodes, ending, token } = this.#parseBody();
    if (ending !== undefined) throw this.#error(`unexpected {{${ending}}}`, token);
    return nodes;
  }

  /** Nodes up to {{end}}, {{else}} or the end of the text; the keyword itself is consumed, what follows it is not. */
  #parseBody(): { readonly nodes: readonly Node[]; readonly ending: Ending | undefined; readonly token: Token } {
    const nodes: Node[] = [];
    for (;;) {
      const token = this.#next();
      if (token.kind === "end") return { nodes, ending: undefined, token };
      if (token.kind === "text") {
        nodes.push({ kind: "text", text: token.text });
        continue;
      }
      const keyword = this.#peekSolid();
      if (keyword.kind === "identifier" && (keyword.text === "end" || keyword.text === "else")) {
        this.#nextSolid();
        return { nodes, ending: keyword.text, token: keyword };
      }
      nodes.push(this.#parseAction(keyword));
    }
  }

  #parseAction(first: Token): Node {
    const keyword = first.kind === "identifier" && keywords.has(first.text) ? first.text : undefined;
    switch (keyword) {
      case "if":
      case "with":
      case "range":
        this.#nextSolid();
        return this.#parseBranch(keyword, first);
      case "break":
      case "continue":
        this.#nextSolid();
        if (this.#rangeDepth === 0) throw this.#error(`{{${keyword}}} outside {{range}}`, first);
        this.#expectClose(`{{${keyword}}}`);
        return { kind: keyword };
      case undefined:
        return { kind: "action", pipeline: this.#parsePipeline("command", "close") };
      default:
        throw this.#error(`{{${keyword}}} is not supported`, first);
    }
  }

  #parseBranch(kind: Branch["kind"], place: Token): Branch {
    const visible = this.#variables.length;
    if (kind === "range") this.#rangeDepth++;
    const pipeline = this.#parsePipeline(kind, "close");
    const { nodes: body, ending, token } = this.#parseBody();
    if (kind === "range") this.#rangeDepth--;
    let otherwise: readonly Node[] = [];
    if (ending === undefined) throw this.#error("unexpected EOF", token);
    if (ending === "else") otherwise = this.#parseElse(kind);
    else this.#expectClose("end");
    this.#variables.length = visible;
    return { kind, pipeline, body, otherwise, position: place.position, source: this.#sourceFrom(place) };
  }

  #parseElse(kind: Branch["kind"]): readonly Node[] {
    const next = this.#peekSolid();
    if (next.kind === "identifier" && (next.text === "if" || next.text === "with") && next.text === kind) {
      this.#nextSolid();
      return [this.#parseBranch(kind, next)]; // its {{end}} is also ours
    }
    this.#expectClose("else");
    const { nodes, ending, token } = this.#parseBody();
    if (ending === undefined) throw this.#error("unexpected EOF", token);
    if (ending === "else") throw this.#error("expected end; found {{else}}", token);
    this.#expectClose("end");
    return nodes;
  }

  #parsePipeline(context: string, closing: "close" | ")"): Pipeline {
    const start = this.#peekSolid();
    const { variables, declares } = this.#parseDeclarations(context);
    const commands: Command[] = [];
    for (;;) {
      const token = this.#peekSolid();
      if (closing === ")" ? token.text === ")" && token.kind === "punctuation" : token.kind === "close") {
        if (commands.length === 0) throw this.#error(`missing value for ${context}`, token);
        const source = this.#sourceFrom(start);
        this.#nextSolid();
        this.#checkStages(commands, token);
        if (declares) this.#variables.push(...variables);
        return { variables, declares, commands, position: start.position, source };
      }
      if (token.kind === "end" || (token.kind === "punctuation" && token.text !== "." && token.text !== "("))
        throw this.#unexpected(token, context);
      commands.push(this.#parseCommand(context));
    }
  }

  #checkStages(commands: readonly Command[], token: Token): void {
    const at = commands.slice(1).findIndex((command) => ["constant", "nil", "dot"].includes(command.operands[0].kind));
    if (at !== -1) throw this.#error(`non executable command in pipeline stage ${at + 2}`, token);
  }

  #parseDeclarations(context: string): { readonly variables: readonly string[]; readonly declares: boolean } {
    const before = this.#index;
    const variables: string[] = [];
    while (this.#peekSolid().kind === "variable") {
      const variable = this.#nextSolid();
      const operator = this.#peekSolid().text;
      if (operator === ":=" || operator === "=") {
        this.#nextSolid();
        variables.push(variable.text);
        if (operator === "=") for (const name of variables) this.#checkVariable(name, variable);
        return { variables, declares: operator === ":=" };
      }
      if (operator !== "," || context !== "range") break;
      if (variables.length > 0) throw this.#error(`too many declarations in ${context}`, variable);
      this.#nextSolid();
      variables.push(variable.text);
    }
    this.#index = before;
    return { variables: [], declares: false };
  }

  #parseCommand(context: string): Command {
    const operands: Operand[] = [];
    const start = this.#peekSolid();
    for (;;) {
      const operand = this.#parseOperand();
      if (operand !== undefined) operands.push(operand);
      const token = this.#peek();
      if (operand !== undefined && token.kind === "space") {
        this.#peekSolid();
        continue;
      }
      const bar = token.kind === "punctuation" && token.text === "|";
      const ends = token.kind === "close" || bar || (token.kind === "punctuation" && token.text === ")");
      if (!ends) throw this.#unexpected(token, "operand");
      const [head, ...rest] = operands;
      if (head === undefined)
        throw this.#error(bar ? "missing value for command" : `missing value for ${context}`, token);
      const source = this.#sourceFrom(start);
      if (bar) this.#nextSolid();
      return { operands: [head, ...rest], position: start.position, source };
    }
  }

  /** A term with the fields that follow it without a space. */
  #parseOperand(): Operand | undefined {
    const start = this.#peekSolid();
    const term = this.#parseTerm();
    if (term === undefined) return undefined;
    const first = this.#peek();
    const names: string[] = [];
    while (this.#peek().kind === "field") names.push(this.#next().text.slice(1));
    if (names.length === 0) return term;
    const place = { position: first.position, source: this.#sourceFrom(start) };
    switch (term.kind) {
      case "field":
      case "variable":
        return { ...term, ...place, names: [...term.names, ...names] };
      case "constant":
      case "nil":
        throw this.#error(`unexpected . after term ${JSON.stringify(term.source)}`, first);
      default:
        return { kind: "chain", base: term, names, ...place };
    }
  }

  #parseTerm(): Operand | undefined {
    const token = this.#peekSolid();
    const place = { position: token.position, source: token.text };
    switch (token.kind) {
      case "identifier":
        this.#next();
        if (token.text === "true" || token.text === "false")
          return { kind: "constant", value: token.text === "true", ...place };
        if (token.text === "nil") return { kind: "nil", ...place };
        if (keywords.has(token.text)) throw this.#unexpected(token, "operand");
        if (!this.#functions.has(token.text)) throw this.#error(`function "${token.text}" not defined`, token);
        return { kind: "function", name: token.text, ...place };
      case "field":
        this.#next();
        return { kind: "field", names: [token.text.slice(1)], ...place };
      case "variable":
        this.#next();
        this.#checkVariable(token.text, token);
        return { kind: "variable", name: token.text, names: [], ...place };
      case "string":
      case "character":
      case "number":
        this.#next();
        return { kind: "constant", value: this.#constant(token), ...place };
      case "punctuation":
        if (token.text === ".") {
          this.#next();
          return { kind: "dot", ...place };
        }
        if (token.text !== "(") return undefined;
        this.#next();
        return this.#parseParentheses(token);
      default:
        return undefined;
    }
  }

  #parseParentheses(start: Token): Operand {
    const pipeline = this.#parsePipeline("parenthesized pipeline", ")");
    return { kind: "pipeline", pipeline, position: start.position, source: this.#sourceFrom(start) };
  }

  #constant(token: Token): string | number {
    const { text } = token;
    if (token.kind === "number") {
      const digits = text.replaceAll("_", "").replace(/^\+/, "");
      const value = digits.startsWith("-") ? -Number(digits.slice(1)) : Number(digits);
      if (Number.isNaN(value)) throw this.#error(`illegal number syntax: ${JSON.stringify(text)}`, token);
      return value;
    }
    if (text.startsWith("`")) return text.slice(1, -1);
    const value = unescape(text.slice(1, -1));
    if (value === undefined) throw this.#error("invalid syntax", token);
    return token.kind === "character" ? (value.codePointAt(0) ?? 0) : value;
  }

  #checkVariable(name: string, token: Token): void {
    if (!this.#variables.includes(name)) throw this.#error(`undefined variable "${name}"`, token);
  }

  #expectClose(context: string): void {
    const token = this.#nextSolid();
    if (token.kind !== "close") throw this.#unexpected(token, context);
  }

  #peek(): Token {
    return this.#tokens[this.#index] ?? endToken;
  }

  #next(): Token {
    const token = this.#peek();
    this.#index++;
    return token;
  }

  #peekSolid(): Token {
    while (this.#peek().kind === "space") this.#index++;
    return this.#peek();
  }

  #nextSolid(): Token {
    this.#peekSolid();
    return this.#next();
  }

  /** The source from a token up to the last consumed one. */
  #sourceFrom(start: Token): string {
    const last = this.#tokens[this.#index - 1] ?? start;
    return this.#template.slice(start.position, Math.max(last.position + last.text.length, start.position)).trim();
  }

  #unexpected(token: Token, context: string) {
    const shown =
      keywords.has(token.text) || token.text === "."
        ? `<${token.text}>`
        : token.text.length > 10
          ? `${JSON.stringify(token.text.slice(0, 10))}...`
          : JSON.stringify(token.text);
    return this.#error(`unexpected ${shown} in ${context}`, token);
  }

  #error(message: string, token: Token) {
    return parseError(this.#template, token.position, message);
  }
}

const escapes: Readonly<Record<string, string>> = {
  a: "\x07", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v", "\\": "\\", "'": "'", '"': '"',
}; // biome-ignore format: a table

/** The text behind Go's escapes, or undefined when one is not valid. */
function unescape(text: string): string | undefined {
  let valid = true;
  const pattern = /\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([0-7]{3})|([\s\S]))/g;
  const result = text.replace(pattern, (_whole, ...groups: readonly (string | undefined)[]) => {
    const [byte, short, long, octal, simple] = groups;
    const code = byte ?? short ?? long;
    if (code !== undefined) return String.fromCodePoint(Number.parseInt(code, 16));
    if (octal !== undefined) return String.fromCodePoint(Number.parseInt(octal, 8));
    const plain = escapes[simple ?? ""];
    if (plain === undefined) valid = false;
    return plain ?? "";
  });
  return valid ? result : undefined;
}
