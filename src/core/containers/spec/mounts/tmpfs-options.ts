// SPDX-License-Identifier: Apache-2.0

import { invalidArgument } from "../../../../base/errors.ts";
import type { TmpfsMountRequest } from "../../../../base/parse/mount-request.ts";

const opposites: Readonly<Record<string, string>> = {
  exec: "noexec",
  suid: "nosuid",
  dev: "nodev",
  rw: "ro",
  async: "sync",
  atime: "noatime",
  diratime: "nodiratime",
};

/** The words that exclude each other share a slot. */
const slotByWord = new Map<string, string>([
  ...Object.entries(opposites).flatMap(([yes, no]) => [[yes, yes] as const, [no, yes] as const]),
  ["relatime", "atime"],
  ["norelatime", "atime"],
  ["strictatime", "atime"],
  ["dirsync", "dirsync"],
]);

const valuePattern: Readonly<Record<string, RegExp>> = {
  size: /^\d+[kmgKMG%]?$/,
  mode: /^[0-7]{1,4}$/,
  uid: /^\d+$/,
  gid: /^\d+$/,
  nr_inodes: /^\d+[kmgKMG]?$/,
  nr_blocks: /^\d+[kmgKMG]?$/,
  mpol: /^[a-z0-9=:,-]+$/,
};

/** Docker's noexec, nosuid and nodev, then what was asked; later words win over earlier ones of their kind. */
export function tmpfsOptions(request: TmpfsMountRequest): readonly string[] {
  const slots = new Map<string, string>();
  const asked = [
    "noexec",
    "nosuid",
    "nodev",
    ...(request.readOnly ? ["ro"] : []),
    ...(request.sizeBytes === undefined ? [] : [`size=${request.sizeBytes}`]),
    ...(request.mode === undefined ? [] : [`mode=${request.mode.toString(8)}`]),
    ...request.options.filter((option) => option !== ""),
  ];
  for (const option of asked) slots.set(slotOf(option), option);
  return [...slots.values()];
}

function slotOf(option: string): string {
  const index = option.indexOf("=");
  const [key, value] = index < 0 ? [option, undefined] : [option.slice(0, index), option.slice(index + 1)];
  const slot = value === undefined ? slotByWord.get(option) : Object.hasOwn(valuePattern, key) ? key : undefined;
  if (slot === undefined || (value !== undefined && valuePattern[key]?.test(value) !== true)) {
    throw invalidArgument(`invalid tmpfs option ${JSON.stringify(option)}`);
  }
  return slot;
}
