// SPDX-License-Identifier: Apache-2.0
// What a user asks to have mounted in a container, and the checks that need no host. The flags that ask for it are
// parsed in volume-flag.ts, mount-flag.ts and tmpfs-flag.ts.

import { invalidArgument } from "../errors.ts";
import { checkIdMappings, type IdMappings } from "../id-mapping.ts";
import { cleanPath } from "./clean-path.ts";

export type MountPropagation = "private" | "rprivate" | "shared" | "rshared" | "slave" | "rslave";

export type MountRequest = BindMountRequest | VolumeMountRequest | TmpfsMountRequest | ImageMountRequest;

interface MountRequestBase {
  /** An absolute path in the container. */
  readonly target: string;
  readonly readOnly: boolean;
}

/** A directory or file of the host. */
export interface BindMountRequest extends MountRequestBase {
  readonly type: "bind";
  /** An absolute path on the host. */
  readonly source: string;
  /** rprivate when undefined. */
  readonly propagation?: MountPropagation;
  /**
   * What is mounted below the source: "enabled" comes along and is read-only with the bind where the kernel can do that,
   * "writable" comes along and stays as it is, "readonly" comes along and must be read-only, "disabled" is left out.
   */
  readonly recursive: "enabled" | "disabled" | "writable" | "readonly";
  /** Makes a missing source directory (-v does, --mount does not). */
  readonly createSource: boolean;
  /** Owners are mapped on the fly; what is mounted below the source keeps its own. */
  readonly idMappings?: IdMappings;
  /** Gives the files the container's SELinux label first, where the host has SELinux. */
  readonly relabel?: boolean;
}

/** A named volume, or an anonymous one when the source is undefined. */
export interface VolumeMountRequest extends MountRequestBase {
  readonly type: "volume";
  readonly source?: string;
  /** Does not fill an empty volume with what the image has at the target. */
  readonly noCopy: boolean;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface TmpfsMountRequest extends MountRequestBase {
  readonly type: "tmpfs";
  readonly sizeBytes?: number;
  /** Permission bits. */
  readonly mode?: number;
  /** Further options of mount(8), as --tmpfs takes them. */
  readonly options: readonly string[];
}

/** The root of an image, or a directory of it: always read-only, its programs can be run. */
export interface ImageMountRequest extends MountRequestBase {
  readonly type: "image";
  /** An id or a reference of an image that is here. */
  readonly image: string;
  /** A directory below the image's root. */
  readonly subPath?: string;
}

const propagations: readonly string[] = ["private", "rprivate", "shared", "rshared", "slave", "rslave"];

export function isMountPropagation(text: string): text is MountPropagation {
  return propagations.includes(text);
}

/** The request with clean paths; invalid-argument with Docker's text when it makes no sense on any host. */
export function checkMountRequest(request: MountRequest): MountRequest {
  const refuse = (reason: string) => invalidArgument(`invalid mount config for type "${request.type}": ${reason}`);
  if (request.target === "") throw refuse("field Target must not be empty");
  const target = cleanPath(request.target);
  if (target === "/") throw refuse("invalid specification: destination can't be '/'");
  if (!target.startsWith("/")) throw refuse(`invalid mount path: '${request.target}' mount path must be absolute`);
  if (/[\0\n]/.test(target)) throw refuse("invalid mount path: it has a control character");
  if (request.type === "image") return { ...checkImageMount(request, refuse), target };
  if (request.type !== "bind") return { ...request, target };
  if (request.source === "") throw refuse("field Source must not be empty");
  if (!request.source.startsWith("/")) {
    throw refuse(`invalid mount path: '${request.source}' mount path must be absolute`);
  }
  if (request.recursive === "readonly") {
    if (!request.readOnly) throw refuse("mount source must be read-only with bind-recursive=readonly");
    if ((request.propagation ?? "rprivate") !== "rprivate") {
      throw refuse("bind-recursive=readonly requires bind-propagation=rprivate");
    }
  }
  if (request.idMappings !== undefined) checkIdMappings(request.idMappings);
  return { ...request, target, source: cleanPath(request.source) };
}

function checkImageMount(request: ImageMountRequest, refuse: (reason: string) => Error): ImageMountRequest {
  if (request.image === "") throw refuse("field Source must not be empty");
  if (!request.readOnly) throw refuse("an image can only be mounted read-only");
  const subPath = request.subPath ?? "";
  if (subPath.startsWith("/") || subPath.split("/").includes("..")) {
    throw refuse(`subpath must be a relative path within the image: '${subPath}'`);
  }
  return request;
}

/** Checks all of them and that no two have the same target. */
export function checkMountRequests(requests: readonly MountRequest[]): readonly MountRequest[] {
  const targets = new Set<string>();
  return requests.map((request) => {
    const checked = checkMountRequest(request);
    if (targets.has(checked.target)) throw invalidArgument(`Duplicate mount point: ${checked.target}`);
    targets.add(checked.target);
    return checked;
  });
}
