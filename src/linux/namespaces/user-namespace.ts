// SPDX-License-Identifier: Apache-2.0
// Making user namespaces. A process with threads cannot (unshare(2): EINVAL), so a small program does it
// (native/userns), and with it whatever that user namespace shall own.

import { closeSync, mkdirSync, openSync, renameSync } from "node:fs";
import path from "node:path";
import { codeOf, EngineError, failedPrecondition, hasCode, invalidArgument, toEngineError } from "../../base/errors.ts";
import { checkIdMappings, type IdMapping, type IdMappings, idMapLine } from "../../base/id-mapping.ts";
import { SystemCallError } from "../ffi/libc.ts";
import { runProgram } from "../process/run-program.ts";
import { type PinRequest, pinNames, removePins, unfinishedName } from "./pin.ts";
import { type NamespacedSysctl, sysctlRefused } from "./sysctls.ts";

/** The name of a user namespace's pin. */
export const userPinName = "user";

export interface UserPinRequest extends PinRequest {
  readonly mappings: IdMappings;
  /** For a new UTS namespace; empty keeps none. */
  readonly domainname: string;
}

export interface UserNamespaceOptions {
  /** build/native/berth-userns. */
  readonly program: string;
  readonly signal: AbortSignal;
}

/** It makes some namespaces and writes a few files: what takes longer hangs. */
const timeoutMs = 10_000;

/** As pinNamespaces, with a user namespace that owns the others. Undoes itself on failure. */
export async function pinUserNamespaces(request: UserPinRequest, options: UserNamespaceOptions): Promise<void> {
  const { directory, kinds, hostname, domainname, sysctls, mappings } = request;
  checkIdMappings(mappings);
  const unfinished = unfinishedName(directory);
  const names = kinds.map((kind) => pinNames[kind]);
  const words = [
    ...names,
    ...(kinds.includes("uts") && hostname !== "" ? [`hostname=${hostname}`] : []),
    ...(kinds.includes("uts") && domainname !== "" ? [`domainname=${domainname}`] : []),
    ...sysctls.map(sysctlWord),
  ];
  try {
    mkdirSync(unfinished, { mode: 0o700 });
    for (const name of [userPinName, ...names]) makeEmptyFile(path.join(unfinished, name));
    await runHelper([unfinished, ...mapParameters(mappings), ...words], sysctls, options);
    renameSync(unfinished, directory);
  } catch (error) {
    removePins(unfinished);
    throw error;
  }
}

/** Pins a new user namespace with these mappings on a file that is made for it in the directory; returns its path. */
export async function pinUserNamespace(
  directory: string,
  mappings: IdMappings,
  options: UserNamespaceOptions,
): Promise<string> {
  checkIdMappings(mappings);
  const pin = path.join(directory, userPinName);
  makeEmptyFile(pin);
  await runHelper([directory, ...mapParameters(mappings)], [], options);
  return pin;
}

function makeEmptyFile(file: string): void {
  closeSync(openSync(file, "wx", 0o600));
}

function mapParameters({ uidMappings, gidMappings }: IdMappings): readonly string[] {
  const map = (mappings: readonly IdMapping[]) => mappings.map((mapping) => `${idMapLine(mapping)}\n`).join("");
  return [map(uidMappings), map(gidMappings)];
}

/** Only root of the host may write this one into /proc/sys; setdomainname(2) does the same from inside. */
function sysctlWord(sysctl: NamespacedSysctl): string {
  if (sysctl.path === "kernel/domainname") return `domainname=${sysctl.value}`;
  return `sysctl:${sysctl.path}=${sysctl.value}`;
}

async function runHelper(
  parameters: readonly string[],
  sysctls: readonly NamespacedSysctl[],
  { program, signal }: UserNamespaceOptions,
): Promise<void> {
  const request = { file: program, parameters, environment: {}, timeoutMs };
  const { status, posixSignal, stdout, stderr } = await runProgram(request, { signal }).catch((error: unknown) => {
    if (!hasCode(error, "not-found")) throw error;
    throw failedPrecondition(`user namespaces need ${program}, which is not there: build it (make -C native/userns)`);
  });
  if (status === 0) return;
  const [, errno, call, about] = /^(\d+) (\S+) (.*)\n/.exec(stdout.toString()) ?? [];
  if (errno === undefined || call === undefined || about === undefined) {
    const ending = posixSignal === undefined ? `exit status ${status}` : `signal ${posixSignal}`;
    throw new EngineError("internal", `${program} ended with ${ending}: ${stderr.toString().trim()}`);
  }
  throw explain(new SystemCallError(call, Number(errno), about), sysctls);
}

/** What people can do about a failure of the program. */
function explain(error: SystemCallError, sysctls: readonly NamespacedSysctl[]): EngineError {
  const text = error.message;
  if (text.startsWith("unshare")) {
    return new EngineError(codeOf(error), `cannot make a user namespace: ${text} (see /proc/sys/user)`, {
      cause: error,
    });
  }
  if (/_map: /.test(text)) {
    return invalidArgument(
      `the kernel refuses the mappings; do all their host ids exist for the daemon? ${text}`,
      error,
    );
  }
  const sysctl = sysctls.find(({ path: name }) => text.includes(` /proc/sys/${name}: `));
  if (sysctl === undefined) return toEngineError(error);
  return sysctlRefused(sysctl, error);
}
