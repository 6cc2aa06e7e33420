// SPDX-License-Identifier: Apache-2.0

import { invalidArgument } from "../errors.ts";

/** The two halves at the first "="; value is undefined when there is none. */
export function splitKeyValue(text: string): readonly [key: string, value: string | undefined] {
  const index = text.indexOf("=");
  return index < 0 ? [text, undefined] : [text.slice(0, index), text.slice(index + 1)];
}

/** Labels and the like: "key=value" or "key" (an empty value); later ones win. */
export function parseKeyValues(texts: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(texts.map((text) => splitKeyValue(text)).map(([key, value]) => [key, value ?? ""]));
}

/** "KEY=VALUE" as it is; "KEY" with the value that lookup knows, or alone (which unsets it in the container). */
export function parseEnvironment(text: string, lookup: (key: string) => string | undefined): string {
  const [key, value] = splitKeyValue(text);
  if (key === "") throw invalidArgument(`invalid environment variable: ${text}`);
  if (value !== undefined) return text;
  const found = lookup(key);
  return found === undefined ? key : `${key}=${found}`;
}

/** The lines of an --env-file or --label-file: no blank ones, no comments, keys without white space. */
export function parseKeyValueFile(file: string, text: string): readonly string[] {
  return text
    .replace(/^\uFEFF/, "")
    .split(/\r?\n/)
    .map((line) => line.trimStart())
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => {
      const [key] = splitKeyValue(line);
      if (key === "") throw invalidArgument(`invalid environment file (${file}): no variable name on line '${line}'`);
      if (/\s/.test(key)) {
        throw invalidArgument(`invalid environment file (${file}): variable '${key}' contains whitespaces`);
      }
      return line;
    });
}

const namespacedSysctls = new Set([
  "kernel.msgmax",
  "kernel.msgmnb",
  "kernel.msgmni",
  "kernel.sem",
  "kernel.shmall",
  "kernel.shmmax",
  "kernel.shmmni",
  "kernel.shm_rmid_forced",
]);

/** Whose namespace keeps the setting; undefined when it belongs to the whole machine. */
export function sysctlNamespace(name: string): "network" | "ipc" | "uts" | undefined {
  if (name.startsWith("net.")) return "network";
  if (name.startsWith("fs.mqueue.") || namespacedSysctls.has(name)) return "ipc";
  return name === "kernel.domainname" ? "uts" : undefined;
}

/** "net.core.somaxconn=1024": namespaced settings only. */
export function parseSysctl(text: string): readonly [name: string, value: string] {
  const [name, value] = splitKeyValue(text);
  if (value === undefined || sysctlNamespace(name) === undefined) {
    throw invalidArgument(`sysctl '${text}' is not allowed`);
  }
  return [name, value];
}
