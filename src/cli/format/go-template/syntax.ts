// SPDX-License-Identifier: Apache-2.0
// The syntax tree of a template. Every node knows where it stands (the offset that Go would report) and its source,
// because error messages quote both.

/** Where a node stands and how it was written. */
export interface Place {
  /** Offset in the template's text. */
  readonly position: number;
  readonly source: string;
}

/** A value in a pipeline. */
export type Operand = Place &
  (
    | { readonly kind: "dot" }
    | { readonly kind: "nil" }
    | { readonly kind: "constant"; readonly value: string | number | boolean }
    | { readonly kind: "field"; readonly names: readonly string[] }
    | { readonly kind: "variable"; readonly name: string; readonly names: readonly string[] }
    | { readonly kind: "function"; readonly name: string }
    | { readonly kind: "pipeline"; readonly pipeline: Pipeline }
    | { readonly kind: "chain"; readonly base: Operand; readonly names: readonly string[] }
  );

/** A function, method or value with its arguments. */
export interface Command extends Place {
  readonly operands: readonly [Operand, ...Operand[]];
}

/** Commands joined by bars, and the variables that take the result. */
export interface Pipeline extends Place {
  readonly variables: readonly string[];
  /** Whether the variables are new (:=) or assigned (=). */
  readonly declares: boolean;
  readonly commands: readonly Command[];
}

/** if, with or range with both of its bodies. */
export interface Branch extends Place {
  readonly kind: "if" | "with" | "range";
  readonly pipeline: Pipeline;
  readonly body: readonly Node[];
  readonly otherwise: readonly Node[];
}

/** What stands in a template's body. */
export type Node =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "action"; readonly pipeline: Pipeline }
  | Branch
  | { readonly kind: "break" }
  | { readonly kind: "continue" };
