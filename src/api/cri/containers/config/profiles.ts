// SPDX-License-Identifier: Apache-2.0
// The profiles of Linux's security modules that a container, or a pod's own process, is confined by: as the options
// that the engine's other containers take.

import { constants, open } from "node:fs/promises";
import { failedPrecondition, invalidArgument, messageOf } from "../../../../base/errors.ts";
import type { SpecFeatures } from "../../../../core/containers/spec/spec-input.ts";
import type { HostFacts } from "../../../../core/host/host-facts.ts";
import * as cri from "../../../../gen/runtime/v1/api_pb.js";

/** What can be had of system call filters. */
export interface SeccompSupport {
  readonly host: Pick<HostFacts, "seccomp">;
  readonly features: Pick<SpecFeatures, "seccomp">;
}

/** What containers and sandboxes have in common. */
export interface ProfileFields {
  readonly seccomp?: cri.SecurityProfile | undefined;
  readonly seccompProfilePath: string;
  readonly apparmor?: cri.SecurityProfile | undefined;
  /** Only containers have it. */
  readonly apparmorProfile?: string;
}

type Profile = Pick<cri.SecurityProfile, "profileType" | "localhostRef">;

const { RuntimeDefault, Unconfined, Localhost } = cri.SecurityProfile_ProfileType;

/** seccomp=… and apparmor=…; the older string fields count where the newer ones are absent. */
export async function profileOptions(
  message: ProfileFields | undefined,
  support: SeccompSupport,
): Promise<readonly string[]> {
  const seccomp = message?.seccomp ?? oldProfile("seccomp", message?.seccompProfilePath ?? "");
  const apparmor = message?.apparmor ?? oldProfile("apparmor", message?.apparmorProfile ?? "");
  return [await seccompOption(seccomp, support), ...apparmorOption(apparmor)];
}

/** "", "unconfined", "runtime/default", "docker/default" or "localhost/…". */
function oldProfile(field: "seccomp" | "apparmor", text: string): Profile | undefined {
  if (text === "") return undefined;
  if (text === "unconfined") return { profileType: Unconfined, localhostRef: "" };
  if (text === "runtime/default" || text === "docker/default") return { profileType: RuntimeDefault, localhostRef: "" };
  if (text.startsWith("localhost/")) {
    return { profileType: Localhost, localhostRef: text.slice("localhost/".length) };
  }
  throw invalidArgument(`invalid ${field} profile: ${text}`);
}

async function seccompOption(profile: Profile | undefined, { host, features }: SeccompSupport): Promise<string> {
  if (profile === undefined || profile.profileType === Unconfined) return "seccomp=unconfined";
  if (!host.seccomp || !features.seccomp) {
    throw failedPrecondition("cannot use a seccomp profile: the kernel or the runtime has no seccomp");
  }
  switch (profile.profileType) {
    case RuntimeDefault:
      return "seccomp=builtin";
    case Localhost:
      return `seccomp=${await readProfile(profile.localhostRef)}`;
    default:
      throw invalidArgument(`invalid type of seccomp profile: ${profile.profileType as number}`);
  }
}

/** Its default is that of the engine's other containers: none. */
function apparmorOption(profile: Profile | undefined): readonly string[] {
  if (profile === undefined || profile.profileType === RuntimeDefault) return [];
  if (profile.profileType === Unconfined) return ["apparmor=unconfined"];
  if (profile.profileType !== Localhost) {
    throw invalidArgument(`invalid type of apparmor profile: ${profile.profileType as number}`);
  }
  const name = profile.localhostRef.replace(/^localhost\//, "");
  if (name === "") throw invalidArgument("an apparmor profile of the host needs a name");
  return [`apparmor=${name}`];
}

/** Larger files are no profiles. */
const maximumProfileBytes = 4 * 1024 * 1024;

async function readProfile(path: string): Promise<string> {
  if (!path.startsWith("/")) throw invalidArgument(`the seccomp profile ${JSON.stringify(path)} is no absolute path`);
  try {
    // Without blocking: a pipe would keep us waiting.
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const { size } = await file.stat();
    if (size > 0 && size <= maximumProfileBytes) return await file.readFile("utf8");
  } catch (error) {
    throw failedPrecondition(`cannot read the seccomp profile ${path}: ${messageOf(error)}`, error);
  }
  throw failedPrecondition(`cannot read the seccomp profile ${path}: its size is no profile's`);
}
