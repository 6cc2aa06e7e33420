// SPDX-License-Identifier: Apache-2.0
// --security-opt, parsed and held against what the host can do.

import { failedPrecondition, invalidArgument } from "../../base/errors.ts";
import { parseBoolean } from "../../base/parse/boolean.ts";
import { splitKeyValue } from "../../base/parse/key-value.ts";
import type { HostFacts } from "../host/host-facts.ts";
import type { SelinuxOptions } from "./selinux-label.ts";

export interface SecurityOptions {
  readonly noNewPrivileges: boolean;
  /** "default" when nothing was asked; else the profile's JSON text. */
  readonly seccomp: "default" | "unconfined" | { readonly profile: string };
  /** A profile's name that is loaded on the host; undefined is unconfined. */
  readonly apparmor?: string;
  /** Parts of a label; undefined is no label. */
  readonly selinux?: SelinuxOptions;
  /** systempaths=unconfined: nothing in /proc and /sys is masked or read-only. */
  readonly unconfinedPaths: boolean;
}

/** invalid-argument for an option that is none, failed-precondition for one that this host cannot honour. */
export function parseSecurityOptions(
  options: readonly string[],
  host: Pick<HostFacts, "apparmor" | "selinux" | "seccomp">,
): SecurityOptions {
  let parsed: SecurityOptions = { noNewPrivileges: false, seccomp: "default", unconfinedPaths: false };
  for (const option of options) {
    const next = parseOption(option, host);
    const selinux = next.selinux === undefined ? parsed.selinux : { ...parsed.selinux, ...next.selinux };
    parsed = { ...parsed, ...next, ...(selinux !== undefined && { selinux }) };
  }
  return parsed;
}

function parseOption(
  option: string,
  host: Pick<HostFacts, "apparmor" | "selinux" | "seccomp">,
): Partial<SecurityOptions> {
  const [key, value] = splitOption(option);
  const refuse = () => invalidArgument(`invalid --security-opt: ${JSON.stringify(option)}`);
  switch (key) {
    case "no-new-privileges": {
      const noNewPrivileges = value === undefined ? true : parseBoolean(value);
      if (noNewPrivileges === undefined) throw refuse();
      return { noNewPrivileges };
    }
    case "seccomp":
      if (value === undefined || value === "") throw refuse();
      return { seccomp: parseSeccomp(value, host.seccomp) };
    case "apparmor":
      if (value === undefined || value === "") throw refuse();
      if (value === "unconfined") return {};
      if (host.apparmor) return { apparmor: value };
      throw failedPrecondition(`cannot use apparmor profile ${value}: apparmor is not enabled on this host`);
    case "label":
      if (value === "disable") return {};
      if (value === undefined || value === "") throw refuse();
      if (host.selinux) {
        const selinux = parseLabel(value);
        if (selinux === undefined) throw refuse();
        return { selinux };
      }
      throw failedPrecondition(`cannot use label ${value}: selinux is not enabled on this host`);
    case "systempaths":
      if (value !== "unconfined") throw refuse();
      return { unconfinedPaths: true };
    default:
      throw refuse();
  }
}

/** "key=value", Docker's old "key:value", or a key alone. */
function splitOption(option: string): readonly [key: string, value: string | undefined] {
  const [key, value] = splitKeyValue(option);
  if (value !== undefined) return [key, value];
  const colon = option.indexOf(":");
  return colon < 0 ? [option, undefined] : [option.slice(0, colon), option.slice(colon + 1)];
}

/** "type:container_t" and the like; undefined when it is none. */
function parseLabel(text: string): SelinuxOptions | undefined {
  const match = /^(user|role|type|level|filetype):([^\s]+)$/.exec(text);
  return match === null ? undefined : { [match[1] as keyof SelinuxOptions]: match[2] };
}

function parseSeccomp(value: string, available: boolean): SecurityOptions["seccomp"] {
  if (value === "unconfined") return "unconfined";
  if (value === "builtin") return "default";
  if (!available) {
    throw failedPrecondition("seccomp is not enabled in your kernel, cannot run a custom seccomp profile");
  }
  return { profile: value };
}
