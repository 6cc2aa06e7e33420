// SPDX-License-Identifier: Apache-2.0
// Seccomp profiles that a user brings: JSON in the runtime specification's form (config-linux.md) or in Docker's, which
// adds archMap and rules that depend on capability, architecture and kernel.

import { invalidArgument } from "../../base/errors.ts";
import { architectureFacts } from "./seccomp/conditional-syscalls.ts";
import { isAtLeast, type SeccompInput } from "./seccomp-default.ts";
import type { RuntimeSeccomp, RuntimeSyscall } from "./spec.ts";

type Json = Readonly<Record<string, unknown>>;

/** What a container with these capabilities gets of the profile; undefined when the profile is empty. */
export function parseSeccompProfile(text: string, input: SeccompInput): RuntimeSeccomp | undefined {
  const profile = parseObject(text);
  const rules = list(profile, "syscalls").map((rule) => object(rule, "syscalls"));
  const defaultAction = optionalString(profile, "defaultAction");
  if (defaultAction === undefined) {
    if (rules.length === 0) return undefined;
    throw refuse("defaultAction is missing");
  }
  const defaultErrnoRet = optionalNumber(profile, "defaultErrnoRet");
  const architectures = architecturesOf(profile, input.architecture);
  const flags = strings(profile, "flags");
  return {
    defaultAction,
    ...(defaultErrnoRet === undefined ? {} : { defaultErrnoRet }),
    ...(architectures.length === 0 ? {} : { architectures }),
    ...(flags.length === 0 ? {} : { flags }),
    syscalls: rules.filter((rule) => applies(rule, input)).map(toSyscall),
  };
}

function architecturesOf(profile: Json, architecture: string): readonly string[] {
  const plain = strings(profile, "architectures");
  const map = list(profile, "archMap").map((entry) => object(entry, "archMap"));
  if (plain.length > 0 && map.length > 0) {
    throw refuse("both 'architectures' and 'archMap' are specified, use either of them");
  }
  const native = architectureFacts[architecture]?.seccomp[0];
  const own = map.find((entry) => entry["architecture"] === native);
  return own === undefined || native === undefined ? plain : [native, ...strings(own, "subArchitectures")];
}

/** A rule applies when all of includes holds and nothing of excludes does. */
function applies(rule: Json, input: SeccompInput): boolean {
  const includes = object(rule["includes"] ?? {}, "includes");
  const excludes = object(rule["excludes"] ?? {}, "excludes");
  const has = (capability: string) => input.capabilities.includes(capability);
  const inArches = (filter: Json) => strings(filter, "arches").includes(input.architecture);
  const kernel = (filter: Json) => {
    const wanted = optionalString(filter, "minKernel");
    const [major = 0, minor = 0] = (wanted ?? "").split(".").map(Number);
    return wanted === undefined ? undefined : isAtLeast(input.kernelVersion, major, minor);
  };
  if (strings(includes, "arches").length > 0 && !inArches(includes)) return false;
  if (!strings(includes, "caps").every(has) || kernel(includes) === false) return false;
  return !inArches(excludes) && !strings(excludes, "caps").some(has) && kernel(excludes) !== true;
}

function toSyscall(rule: Json): RuntimeSyscall {
  const name = optionalString(rule, "name");
  const names = strings(rule, "names");
  if (name !== undefined && names.length > 0) throw refuse("both 'name' and 'names' are specified in a rule");
  const action = optionalString(rule, "action");
  if (action === undefined) throw refuse("a rule has no action");
  const errnoRet = optionalNumber(rule, "errnoRet");
  const args = list(rule, "args").map((argument) => toArgument(object(argument, "args")));
  return {
    names: name === undefined ? names : [name],
    action,
    ...(errnoRet === undefined ? {} : { errnoRet }),
    ...(args.length === 0 ? {} : { args }),
  };
}

function toArgument(argument: Json): NonNullable<RuntimeSyscall["args"]>[number] {
  const op = optionalString(argument, "op");
  if (op === undefined) throw refuse("an argument has no op");
  const valueTwo = optionalNumber(argument, "valueTwo");
  return {
    index: optionalNumber(argument, "index") ?? 0,
    value: optionalNumber(argument, "value") ?? 0,
    ...(valueTwo === undefined ? {} : { valueTwo }),
    op,
  };
}

function refuse(reason: string, cause?: unknown): Error {
  return invalidArgument(`decoding seccomp profile failed: ${reason}`, cause);
}

function parseObject(text: string): Json {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw refuse("it is not JSON", error);
  }
  return object(value, "the profile");
}

function object(value: unknown, field: string): Json {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Json;
  throw refuse(`${field} must be made of objects`);
}

function list(from: Json, field: string): readonly unknown[] {
  const value = from[field] ?? [];
  if (Array.isArray(value)) return value;
  throw refuse(`${field} must be a list`);
}

function strings(from: Json, field: string): readonly string[] {
  return list(from, field).map((value) => {
    if (typeof value !== "string") throw refuse(`${field} must be a list of strings`);
    return value;
  });
}

function optionalString(from: Json, field: string): string | undefined {
  const value = from[field] ?? undefined;
  if (value !== undefined && typeof value !== "string") throw refuse(`${field} must be a string`);
  return value === "" ? undefined : value;
}

function optionalNumber(from: Json, field: string): number | undefined {
  const value = from[field] ?? undefined;
  if (value !== undefined && typeof value !== "number") throw refuse(`${field} must be a number`);
  return value;
}
