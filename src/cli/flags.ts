// SPDX-License-Identifier: Apache-2.0
// Flags as Docker's users write them: --name value, --name=value, -n value, -nvalue, -n=value, bundled switches (-it),
// --switch=false, and "--" for the end. commander is not used: it knows neither --switch=false nor -p80:80 after -d in
// one word as pflag does, and the error texts would all have to be replaced.

import { messageOf } from "../base/errors.ts";
import { parseBoolean } from "../base/parse/boolean.ts";
import { UsageError } from "./errors.ts";

/** One flag: what it takes and what a command gets. */
export interface Flag<T> {
  readonly short?: string | undefined;
  /** Other long names. */
  readonly aliases?: readonly string[];
  readonly description: string;
  /** What the help shows for the value, such as "string"; undefined for a switch, which needs none. */
  readonly placeholder: string | undefined;
  /** The value when the flag is not there. */
  readonly initial: T;
  /** The value after one more occurrence; a throw says what is wrong with the text. */
  read(text: string, previous: T): T;
}

export type FlagTable = Readonly<Record<string, Flag<unknown>>>;

/** The values of a table's flags by their long names. */
export type FlagValues<F extends FlagTable> = {
  readonly [K in keyof F]: F[K] extends Flag<infer T> ? T : never;
};

interface FlagOptions {
  readonly short?: string;
  readonly aliases?: readonly string[];
  readonly placeholder?: string;
}

/** true when given, false when given as --flag=false. */
export function toggle(description: string, options: FlagOptions & { readonly initial?: boolean } = {}): Flag<boolean> {
  return {
    ...options,
    description,
    placeholder: undefined,
    initial: options.initial ?? false,
    read: (text) => {
      const value = parseBoolean(text);
      if (value === undefined) throw new Error(`strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`);
      return value;
    },
  };
}

/** A text; the last one counts. */
export function text(description: string, options: FlagOptions = {}): Flag<string | undefined> {
  return value(description, (given) => given, { placeholder: "string", ...options });
}

/** A value that parse makes of the text; the last one counts. */
export function value<T>(description: string, parse: (text: string) => T, options: FlagOptions): Flag<T | undefined> {
  return {
    ...options,
    description,
    placeholder: options.placeholder ?? "string",
    initial: undefined,
    read: (given) => parse(given),
  };
}

/** Texts; every occurrence adds one. */
export function list(description: string, options: FlagOptions = {}): Flag<readonly string[]> {
  return values(description, (given) => [given], options);
}

/** Values; every occurrence adds those that parse makes of it. */
export function values<T>(
  description: string,
  parse: (text: string) => readonly T[],
  options: FlagOptions = {},
): Flag<readonly T[]> {
  return {
    ...options,
    description,
    placeholder: options.placeholder ?? "list",
    initial: [],
    read: (given, previous) => [...previous, ...parse(given)],
  };
}

/** Reads a whole number. */
export function integer(given: string): number {
  const number = /^[+-]?\d+$/.test(given) ? Number(given) : Number.NaN;
  if (!Number.isSafeInteger(number)) {
    throw new Error(`strconv.ParseInt: parsing ${JSON.stringify(given)}: invalid syntax`);
  }
  return number;
}

/** What a command line gives. */
export interface ParsedArguments<F extends FlagTable> {
  readonly flags: FlagValues<F>;
  readonly args: readonly string[];
  /** The long names of the flags that were there. */
  readonly given: ReadonlySet<string>;
}

/** interspersed: whether flags may follow the first argument; otherwise all after it is left alone. */
export function parseArguments<F extends FlagTable>(
  table: F,
  argv: readonly string[],
  { interspersed }: { readonly interspersed: boolean },
): ParsedArguments<F> {
  const parser = new FlagParser(table);
  const args: string[] = [];
  for (let at = 0; at < argv.length; ) {
    const word = argv[at] ?? "";
    if (word === "--") {
      args.push(...argv.slice(at + 1));
      break;
    }
    if (word === "-" || !word.startsWith("-")) {
      if (!interspersed) {
        args.push(...argv.slice(at));
        break;
      }
      args.push(word);
      at++;
    } else {
      at += word.startsWith("--") ? parser.readLong(word, argv[at + 1]) : parser.readShort(word, argv[at + 1]);
    }
  }
  return { flags: parser.values as FlagValues<F>, args, given: parser.given };
}

class FlagParser {
  readonly values: Record<string, unknown> = {};
  readonly given = new Set<string>();
  readonly #table: FlagTable;
  readonly #long = new Map<string, string>();
  readonly #short = new Map<string, string>();

  constructor(table: FlagTable) {
    this.#table = table;
    for (const [name, flag] of Object.entries(table)) {
      this.values[name] = flag.initial;
      for (const long of [name, ...(flag.aliases ?? [])]) this.#long.set(long, name);
      if (flag.short !== undefined) this.#short.set(flag.short, name);
    }
  }

  /** How many words it took. */
  readLong(word: string, next: string | undefined): number {
    const equals = word.indexOf("=");
    const long = equals === -1 ? word.slice(2) : word.slice(2, equals);
    const name = this.#long.get(long);
    if (name === undefined) throw new UsageError(`unknown flag: --${long}`);
    if (equals !== -1) return this.#set(name, word.slice(equals + 1), 1);
    if (this.#table[name]?.placeholder === undefined) return this.#set(name, "true", 1);
    if (next === undefined) throw new UsageError(`flag needs an argument: --${long}`);
    return this.#set(name, next, 2);
  }

  /** How many words it took. */
  readShort(word: string, next: string | undefined): number {
    for (let at = 1; at < word.length; at++) {
      const letter = word[at] ?? "";
      const name = this.#short.get(letter);
      if (name === undefined) throw new UsageError(`unknown shorthand flag: '${letter}' in ${word}`);
      const rest = word.slice(at + 1);
      if (rest.startsWith("=")) return this.#set(name, rest.slice(1), 1);
      if (this.#table[name]?.placeholder === undefined) {
        this.#set(name, "true", 1);
        continue;
      }
      if (rest !== "") return this.#set(name, rest, 1);
      if (next === undefined) throw new UsageError(`flag needs an argument: '${letter}' in ${word}`);
      return this.#set(name, next, 2);
    }
    return 1;
  }

  #set(name: string, given: string, words: number): number {
    const flag = this.#table[name] as Flag<unknown>;
    try {
      this.values[name] = flag.read(given, this.values[name]);
    } catch (error) {
      const names = flag.short === undefined ? `--${name}` : `-${flag.short}, --${name}`;
      throw new UsageError(`invalid argument ${JSON.stringify(given)} for "${names}" flag: ${messageOf(error)}`, {
        cause: error,
      });
    }
    this.given.add(name);
    return words;
  }
}
