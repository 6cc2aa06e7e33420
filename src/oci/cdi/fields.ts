// SPDX-License-Identifier: Apache-2.0
// Typed reading of a document whose scalars are all text: YAML and JSON of many writers, with numbers in any of their
// notations. A field that is not asked for is refused, so that a misspelled one is not silently without effect.

import { invalidArgument } from "../../base/errors.ts";

/** The fields of one object; done() when all have been asked for. */
export class Fields {
  readonly #values: Map<string, unknown>;
  readonly #where: string;

  constructor(value: unknown, where: string) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw invalidArgument(`${where} must be an object`);
    }
    this.#values = new Map(Object.entries(value).filter(([, field]) => !isNothing(field)));
    this.#where = where;
  }

  /** Refuses what was not asked for. */
  done(): void {
    const [unknown] = this.#values.keys();
    if (unknown !== undefined) throw invalidArgument(`${this.#where} has an unknown field ${JSON.stringify(unknown)}`);
  }

  text(field: string): string | undefined {
    const value = this.#take(field);
    if (value === undefined || typeof value === "string") return value;
    throw this.#wrong(field, "text");
  }

  requiredText(field: string): string {
    const value = this.text(field) ?? "";
    if (value === "") throw invalidArgument(`${this.#where}: ${field} is missing`);
    return value;
  }

  /** An integer; "0660" and "0o660" are octal. */
  integer(field: string): number | undefined {
    const value = this.#take(field);
    if (value === undefined) return undefined;
    const number = typeof value === "string" ? parseInteger(value) : undefined;
    if (number === undefined) throw this.#wrong(field, "an integer");
    return number;
  }

  boolean(field: string): boolean | undefined {
    const value = this.#take(field);
    if (value === undefined) return undefined;
    if (value === "true" || value === "false") return value === "true";
    throw this.#wrong(field, "true or false");
  }

  texts(field: string): readonly string[] {
    return this.list(field, (item) => {
      if (typeof item === "string") return item;
      throw this.#wrong(field, "a list of texts");
    });
  }

  /** Each item with a name for messages. */
  list<T>(field: string, read: (item: unknown, where: string) => T): readonly T[] {
    const value = this.#take(field) || [];
    if (!Array.isArray(value)) throw this.#wrong(field, "a list");
    return value.map((item, index) => read(item, `${this.#where}.${field}[${index}]`));
  }

  object<T>(field: string, read: (value: unknown, where: string) => T): T | undefined {
    const value = this.#take(field);
    return value === undefined || value === "" ? undefined : read(value, `${this.#where}.${field}`);
  }

  #take(field: string): unknown {
    const value = this.#values.get(field);
    this.#values.delete(field);
    return value;
  }

  #wrong(field: string, expected: string): Error {
    return invalidArgument(`${this.#where}: ${field} must be ${expected}`);
  }
}

/** As some writers say that a field is not there. */
function isNothing(value: unknown): boolean {
  return value === null || value === "null" || value === "~";
}

function parseInteger(text: string): number | undefined {
  const octal = /^0o?([0-7]+)$/.exec(text)?.[1];
  if (octal !== undefined) return Number.parseInt(octal, 8);
  const number = /^-?(\d+|0x[0-9a-fA-F]+)$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(number) ? number : undefined;
}
