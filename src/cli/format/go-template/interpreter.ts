// SPDX-License-Identifier: Apache-2.0
// Applies a syntax tree to a value, as Go's text/template does.

import { EngineError } from "../../../base/errors.ts";
import { executionError } from "./errors.ts";
import { FunctionError, type ParameterType, type TemplateFunction } from "./functions.ts";
import type { Branch, Command, Node, Operand, Pipeline, Place } from "./syntax.ts";
import {
  entryOf,
  isMap,
  isStruct,
  isTrue,
  printTop,
  printValue,
  sortedEntries,
  structNameOf,
  typeNameOf,
} from "./values.ts";

/** What an execution needs beside the tree. */
export interface Execution {
  /** The template's text, for error messages. */
  readonly template: string;
  readonly functions: ReadonlyMap<string, TemplateFunction>;
  /** Whether a key that a map lacks is an error instead of "<no value>". */
  readonly missingKeyIsError: boolean;
}

/** The text that the nodes make of the value. */
export function execute(nodes: readonly Node[], value: unknown, execution: Execution): string {
  const interpreter = new Interpreter(value, execution);
  interpreter.walk(nodes, value);
  return interpreter.output;
}

type Flow = "next" | "break" | "continue";
/** Distinguishes "no piped value" from one that is undefined. */
const nothing: unique symbol = Symbol("nothing");

class Interpreter {
  output = "";
  readonly #execution: Execution;
  readonly #variables: { readonly name: string; value: unknown }[];

  constructor(value: unknown, execution: Execution) {
    this.#execution = execution;
    this.#variables = [{ name: "$", value }];
  }

  walk(nodes: readonly Node[], dot: unknown): Flow {
    for (const node of nodes) {
      const flow = this.#walkNode(node, dot);
      if (flow !== "next") return flow;
    }
    return "next";
  }

  #walkNode(node: Node, dot: unknown): Flow {
    switch (node.kind) {
      case "text":
        this.output += node.text;
        return "next";
      case "action": {
        const value = this.#pipeline(node.pipeline, dot);
        if (node.pipeline.variables.length === 0) this.output += printTop(value);
        return "next";
      }
      case "break":
      case "continue":
        return node.kind;
      default: {
        const visible = this.#variables.length;
        const flow = this.#branch(node, dot);
        this.#variables.length = visible;
        return flow;
      }
    }
  }

  #branch(node: Branch, dot: unknown): Flow {
    if (node.kind === "range") return this.#range(node, dot);
    const value = this.#pipeline(node.pipeline, dot);
    if (!isTrue(value)) return this.walk(node.otherwise, dot);
    return this.walk(node.body, node.kind === "with" ? value : dot);
  }

  #range(node: Branch, dot: unknown): Flow {
    const { variables, declares } = node.pipeline;
    const value = this.#commands(node.pipeline, dot);
    const entries = this.#entries(node, value);
    if (entries.length === 0) return this.walk(node.otherwise, dot);
    const visible = this.#variables.length;
    for (const [key, item] of entries) {
      const [first, second] = variables;
      const values = second === undefined ? [item] : [key, item];
      for (const [at, name] of [first, second].entries())
        if (name !== undefined) this.#bind(name, values[at], declares);
      const flow = this.walk(node.body, item);
      this.#variables.length = visible;
      if (flow === "break") break;
    }
    return "next";
  }

  #entries(node: Branch, value: unknown): readonly (readonly [unknown, unknown])[] {
    if (value === undefined || value === null) return [];
    if (Array.isArray(value)) return [...value.entries()];
    if (isMap(value)) return sortedEntries(value);
    if (typeof value === "number" && Number.isInteger(value)) return Array.from({ length: value }, (_, at) => [at, at]);
    throw this.#error(node.pipeline, `range can't iterate over ${printValue(value)}`);
  }

  #pipeline(pipeline: Pipeline, dot: unknown): unknown {
    const value = this.#commands(pipeline, dot);
    for (const name of pipeline.variables) this.#bind(name, value, pipeline.declares);
    return value;
  }

  #commands(pipeline: Pipeline, dot: unknown): unknown {
    let value: unknown = nothing;
    for (const command of pipeline.commands) value = this.#command(command, dot, value);
    return value;
  }

  #bind(name: string, value: unknown, declares: boolean): void {
    const existing = declares ? undefined : this.#variables.findLast((variable) => variable.name === name);
    if (existing === undefined) this.#variables.push({ name, value });
    else existing.value = value;
  }

  #command(command: Command, dot: unknown, piped: unknown): unknown {
    const [head, ...rest] = command.operands;
    if (head.kind === "function") return this.#callFunction(head, rest, { dot, piped, source: command.source });
    const names = "names" in head ? head.names : [];
    const hasArguments = rest.length > 0 || piped !== nothing;
    if (!hasArguments) return this.#operand(head, dot);
    if (names.length === 0) throw this.#error(head, `can't give argument to non-function ${head.source}`);
    const receiver = this.#fields(this.#base(head, dot), names.slice(0, -1), head);
    const args = rest.map((operand) => this.#operand(operand, dot));
    return this.#field(receiver, names.at(-1) ?? "", head, piped === nothing ? args : [...args, piped]);
  }

  #operand(operand: Operand, dot: unknown): unknown {
    switch (operand.kind) {
      case "dot":
        return dot;
      case "nil":
        throw this.#error(operand, "nil is not a command");
      case "constant":
        return operand.value;
      case "function":
        return this.#callFunction(operand, [], { dot, piped: nothing, source: operand.source });
      case "pipeline":
        return this.#pipeline(operand.pipeline, dot);
      default:
        return this.#fields(this.#base(operand, dot), operand.names, operand);
    }
  }

  /** What the fields of an operand are looked up in. */
  #base(operand: Operand, dot: unknown): unknown {
    if (operand.kind === "variable") return this.#variables.findLast(({ name }) => name === operand.name)?.value;
    return operand.kind === "chain" ? this.#operand(operand.base, dot) : dot;
  }

  #fields(base: unknown, names: readonly string[], place: Place): unknown {
    return names.reduce((receiver, name) => this.#field(receiver, name, place), base);
  }

  /** A field, a map's entry, or the result of a method. */
  #field(receiver: unknown, name: string, place: Place, args?: readonly unknown[]): unknown {
    if (receiver === undefined) {
      if (this.#execution.missingKeyIsError) throw this.#error(place, `nil data; no entry for key "${name}"`);
      return undefined;
    }
    if (receiver === null) throw this.#error(place, `nil pointer evaluating interface {}.${name}`);
    if (isStruct(receiver)) {
      if (!Object.hasOwn(receiver, name))
        throw this.#error(place, `can't evaluate field ${name} in type ${structNameOf(receiver)}`);
      const value = receiver[name];
      if (typeof value === "function") return this.#callMethod(value as Method, name, place, args ?? []);
      if (args !== undefined) throw this.#error(place, `${name} has arguments but cannot be invoked as function`);
      return value ?? null;
    }
    if (!isMap(receiver)) throw this.#error(place, `can't evaluate field ${name} in type interface {}`);
    if (args !== undefined) throw this.#error(place, `${name} is not a method but has arguments`);
    const value = entryOf(receiver, name);
    if (value === undefined && this.#execution.missingKeyIsError)
      throw this.#error(place, `map has no entry for key "${name}"`);
    return value;
  }

  #callMethod(method: Method, name: string, place: Place, args: readonly unknown[]): unknown {
    if (args.length !== method.length)
      throw this.#error(place, `wrong number of args for ${name}: want ${method.length} got ${args.length}`);
    return method(...args);
  }

  #callFunction(
    place: Operand & { readonly kind: "function" },
    operands: readonly Operand[],
    { dot, piped, source }: Call,
  ): unknown {
    const { name } = place;
    const definition = this.#execution.functions.get(name);
    if (definition === undefined) throw this.#error(place, `"${name}" is not a defined function`);
    const count = operands.length + (piped === nothing ? 0 : 1);
    const wanted = definition.parameters.length;
    const least = definition.variadic === true ? wanted - 1 : wanted;
    if (count < least || (count > wanted && definition.variadic !== true)) {
      const want = definition.variadic === true ? `at least ${least}` : String(wanted);
      throw this.#error(place, `wrong number of args for ${name}: want ${want} got ${count}`);
    }
    if (name === "and" || name === "or") return this.#shortCircuit(name === "and", operands, { dot, piped });
    const args = operands.map((operand) => (operand.kind === "nil" ? null : this.#operand(operand, dot)));
    if (piped !== nothing) args.push(piped);
    for (const [at, arg] of args.entries())
      this.#checkArgument(definition.parameters[Math.min(at, wanted - 1)] ?? "any", arg, operands[at] ?? place);
    try {
      return definition.call(args as never[]);
    } catch (error) {
      if (error instanceof EngineError || !(error instanceof FunctionError)) throw error;
      throw this.#error({ ...place, source }, `error calling ${name}: ${error.message}`);
    }
  }

  /** The first value that decides, or the last one; later operands are not evaluated. */
  #shortCircuit(isAnd: boolean, operands: readonly Operand[], { dot, piped }: Pick<Call, "dot" | "piped">): unknown {
    let value: unknown;
    for (const operand of operands) {
      value = operand.kind === "nil" ? null : this.#operand(operand, dot);
      if (isTrue(value) !== isAnd) return value;
    }
    return piped === nothing ? value : piped;
  }

  #checkArgument(type: ParameterType, value: unknown, place: Place | Operand): void {
    if (fits(type, value)) return;
    const wanted = type === "strings" ? "[]string" : type;
    const kind = "kind" in place ? place.kind : undefined;
    if (kind === "nil") throw this.#error(place, `cannot assign nil to ${wanted}`);
    if (kind === "constant")
      throw this.#error(place, `expected ${type === "int" ? "integer" : wanted}; found ${place.source}`);
    if (value === undefined) throw this.#error(place, `invalid value; expected ${wanted}`);
    throw this.#error(place, `wrong type for value; expected ${wanted}; got ${typeNameOf(value)}`);
  }

  #error(place: Place, message: string): EngineError {
    return executionError(this.#execution.template, place, message);
  }
}

/** What a function is called with beside its operands. */
interface Call {
  readonly dot: unknown;
  readonly piped: unknown;
  /** The call as it was written, for error messages. */
  readonly source: string;
}

type Method = (...args: readonly unknown[]) => unknown;

function fits(type: ParameterType, value: unknown): boolean {
  switch (type) {
    case "any":
      return true;
    case "string":
      return typeof value === "string";
    case "int":
      return typeof value === "number" && Number.isInteger(value);
    case "strings":
      return value === null || (Array.isArray(value) && value.every((item) => typeof item === "string"));
  }
}
