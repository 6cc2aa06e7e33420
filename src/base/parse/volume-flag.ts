// SPDX-License-Identifier: Apache-2.0

import { invalidArgument, messageOf } from "../errors.ts";
import { cleanPath } from "./clean-path.ts";
import { checkMountRequest, isMountPropagation, type MountPropagation, type MountRequest } from "./mount-request.ts";

/**
 * "-v": "/host:/target[:options]", "name:/target[:options]" or "/target" for an anonymous volume. A source that starts
 * with "./" or "../" is taken from the working directory.
 */
export function parseVolumeFlag(text: string, workingDirectory: string): MountRequest {
  const parts = text.split(":");
  const refuse = (reason?: string) =>
    invalidArgument(`invalid volume specification: '${text}'${reason === undefined ? "" : `: ${reason}`}`);
  if (parts.length > 3 || parts[0] === "") throw refuse();
  const [target = "", source, optionText = ""] = parts.length === 1 ? [parts[0]] : [parts[1], parts[0], parts[2]];
  if (parts.length === 2 && parseOptions(target) !== undefined) throw refuse();
  const options = parseOptions(optionText);
  if (options === undefined) throw invalidArgument(`invalid mode: ${optionText}`);
  try {
    return checkMountRequest(toRequest(target, resolveSource(source, workingDirectory), options));
  } catch (error) {
    throw refuse(messageOf(error));
  }
}

interface VolumeOptions {
  readonly readOnly: boolean;
  readonly propagation?: MountPropagation;
  readonly noCopy: boolean;
}

function toRequest(target: string, source: string | undefined, options: VolumeOptions): MountRequest {
  const { readOnly, propagation, noCopy } = options;
  if (source?.startsWith("/") !== true) {
    if (propagation !== undefined) throw invalidArgument(`invalid propagation mode for a volume: ${propagation}`);
    return { type: "volume", target, readOnly, noCopy, ...(source === undefined ? {} : { source }) };
  }
  const bind = { type: "bind", target, source, readOnly, recursive: "enabled", createSource: true } as const;
  return propagation === undefined ? bind : { ...bind, propagation };
}

function resolveSource(source: string | undefined, workingDirectory: string): string | undefined {
  return source !== undefined && /^\.\.?(\/|$)/.test(source) ? cleanPath(`${workingDirectory}/${source}`) : source;
}

/** undefined when a word is unknown, or two of a kind are there. SELinux's z and Z are taken: we set no labels. */
function parseOptions(text: string): VolumeOptions | undefined {
  const found = new Map<string, string>();
  for (const word of text === "" ? [] : text.split(",")) {
    const kind = kindOf(word);
    if (kind === undefined || found.has(kind)) return undefined;
    found.set(kind, word);
  }
  const propagation = found.get("propagation");
  return {
    readOnly: found.get("access") === "ro",
    noCopy: found.get("copy") === "nocopy",
    ...(propagation !== undefined && isMountPropagation(propagation) ? { propagation } : {}),
  };
}

function kindOf(word: string): string | undefined {
  if (word === "ro" || word === "rw") return "access";
  if (word === "z" || word === "Z") return "label";
  if (word === "nocopy") return "copy";
  if (word === "consistent" || word === "cached" || word === "delegated") return "consistency";
  return isMountPropagation(word) ? "propagation" : undefined;
}
