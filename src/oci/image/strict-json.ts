// SPDX-License-Identifier: Apache-2.0
// JSON as a document that others hash and read must be: valid UTF-8, an object, and no key twice. Parsers differ in which
// of two equal keys they take, so such a document means one thing to a scanner and another to the engine.

import { failedPrecondition } from "../../base/errors.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

/** The object in the bytes; failed-precondition naming `what` when they are no such object. */
export function parseStrictJson(bytes: Uint8Array, what: string): JsonObject {
  let value: unknown;
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    value = JSON.parse(text);
  } catch (error) {
    throw failedPrecondition(`${what} is not valid JSON`, error);
  }
  if (!isJsonObject(value)) throw failedPrecondition(`${what} is not a JSON object`);
  const repeated = findRepeatedKey(text);
  if (repeated !== undefined) throw failedPrecondition(`${what} has the key ${JSON.stringify(repeated)} twice`);
  return value;
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Walks text that is valid JSON, keeping the keys of each object that is open; an array is undefined on the stack. */
function findRepeatedKey(text: string): string | undefined {
  const open: (Set<string> | undefined)[] = [];
  let mayBeKey = false;
  for (let index = 0; index < text.length; index++) {
    switch (text[index]) {
      case "{":
        open.push(new Set());
        mayBeKey = true;
        break;
      case "[":
        open.push(undefined);
        mayBeKey = false;
        break;
      case "}":
      case "]":
        open.pop();
        mayBeKey = false;
        break;
      case ",":
        mayBeKey = open.at(-1) !== undefined;
        break;
      case '"': {
        const end = endOfString(text, index);
        const keys = open.at(-1);
        if (mayBeKey && keys !== undefined) {
          const key = JSON.parse(text.slice(index, end + 1)) as string;
          if (keys.has(key)) return key;
          keys.add(key);
        }
        mayBeKey = false;
        index = end;
        break;
      }
      default:
    }
  }
  return undefined;
}

/** The index of the quote that closes the string that opens at start. */
function endOfString(text: string, start: number): number {
  let index = start + 1;
  while (text[index] !== '"') index += text[index] === "\\" ? 2 : 1;
  return index;
}
