// SPDX-License-Identifier: Apache-2.0

import { invalidArgument } from "../../../base/errors.ts";
import { splitKeyValue } from "../../../base/parse/key-value.ts";

/** Where commands are looked for unless an image says otherwise. */
export const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

export interface EnvironmentInput {
  readonly hostname: string;
  readonly terminal: boolean;
  /** HOME unless somebody says otherwise. */
  readonly home: string;
  /** Later layers win: the image's, the container's, the exec's. */
  readonly layers: readonly (readonly string[])[];
}

/**
 * PATH, HOSTNAME and TERM, then what the layers say, each name once at its first place with its last value; a name
 * without "=" removes it. HOME comes last when nobody set it.
 */
export function buildEnvironment(input: EnvironmentInput): readonly string[] {
  const values = new Map<string, string>([
    ["PATH", defaultPath],
    ["HOSTNAME", input.hostname],
  ]);
  if (input.terminal) values.set("TERM", "xterm");
  applyLayers(values, input.layers);
  if (!values.has("HOME")) values.set("HOME", input.home);
  return listOf(values);
}

/** What the layers say together, without the engine's own variables. */
export function mergeEnvironment(layers: EnvironmentInput["layers"]): readonly string[] {
  const values = new Map<string, string>();
  applyLayers(values, layers);
  return listOf(values);
}

function applyLayers(values: Map<string, string>, layers: EnvironmentInput["layers"]): void {
  for (const entry of layers.flat()) {
    const [key, value] = splitKeyValue(entry);
    if (key === "") throw invalidArgument(`invalid environment variable: ${entry}`);
    if (entry.includes("\0")) throw invalidArgument(`invalid environment variable: ${key} has a NUL character`);
    if (value === undefined) values.delete(key);
    else values.set(key, value);
  }
}

function listOf(values: ReadonlyMap<string, string>): readonly string[] {
  return Array.from(values, ([key, value]) => `${key}=${value}`);
}
