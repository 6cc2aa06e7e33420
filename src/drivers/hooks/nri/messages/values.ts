// SPDX-License-Identifier: Apache-2.0
// Numbers of runtime specifications, and the optional values that NRI wraps into messages.

import type { RawJson } from "../../../../oci/runtime/spec.ts";

type SpecNumber = number | RawJson;

const { rawJSON } = JSON as unknown as { rawJSON(this: void, text: string): RawJson };

function isRaw(value: SpecNumber): value is RawJson {
  return typeof value === "object";
}

/** A number of a specification, however large. */
export function bigintOf(value: SpecNumber): bigint {
  return BigInt(isRaw(value) ? value.rawJSON : Math.trunc(value));
}

/** A number for a specification; one that no double holds is written digit by digit, as parseRuntimeSpec reads it. */
export function specNumber(value: bigint): number {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : (rawJSON(`${value}`) as unknown as number);
}

interface Wrapped<T> {
  readonly value: T;
}

/** The message of an optional integer; nothing stays nothing. */
export function wrapInteger(value: SpecNumber | undefined): Wrapped<bigint> | undefined {
  return value === undefined ? undefined : { value: bigintOf(value) };
}

/** The message of any other optional value. */
export function wrap<T>(value: T | undefined): Wrapped<T> | undefined {
  return value === undefined ? undefined : { value };
}

/** What an optional integer of a message says. */
export function unwrapInteger(wrapped: Wrapped<bigint> | undefined): number | undefined {
  return wrapped === undefined ? undefined : specNumber(wrapped.value);
}

/** The string, unless it is empty, which is how NRI says that there is none. */
export function filled(text: string): string | undefined {
  return text === "" ? undefined : text;
}

/** Milliseconds as nanoseconds; 0 is unknown. */
export function nanoseconds(milliseconds: number | undefined): bigint {
  return milliseconds === undefined ? 0n : BigInt(Math.trunc(milliseconds)) * 1_000_000n;
}
