// SPDX-License-Identifier: Apache-2.0
// Making the mounts of a list, each with its options as mount(8) takes them.

import { messageOf } from "../../base/errors.ts";
import { mount, mountFlags, mountWithParameters, setMountAttributes } from "../ffi/mount.ts";
import { attributesOf, type ParsedOptions, parseMountOptions } from "./options.ts";

/** What mount(8) needs: options such as "ro", "rbind", "lowerdir=…". */
export interface MountSpecification {
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

/** mount(2) takes one page of data with its final NUL. */
const pageSize = 4096;
/** Flags of the whole file system: a remount of a bind cannot change them. */
const filesystemFlags = mountFlags.synchronous | mountFlags.directorySynchronous | mountFlags.lazyTime;

/** Makes one mount on the target, which must exist; a bind gets its flags by a remount of it. */
export function mountOne(specification: MountSpecification, target: string): void {
  const options = parseMountOptions(specification.options);
  const isBind = options.bind || specification.type === "bind" || specification.type === "rbind";
  const isPropagationOnly = options.propagation.length > 0 && specification.type === "";
  if (isBind) mountBind(specification, target, options);
  else if (!isPropagationOnly) mountFilesystem(specification, target, options);
  for (const flags of options.propagation) mount({ source: "none", target, type: "", flags, data: "" });
  if (options.recursiveSet !== 0 || options.recursiveClear !== 0) {
    setMountAttributes(target, { set: options.recursiveSet, clear: options.recursiveClear, recursive: true });
  }
}

function mountBind(specification: MountSpecification, target: string, options: ParsedOptions): void {
  const isRecursive = options.recursiveBind || specification.type === "rbind";
  const { bind, recursive, remount } = mountFlags;
  if ((options.flags & remount) === 0) {
    const flags = bind | (isRecursive ? recursive : 0);
    mount({ source: specification.source, target, type: "", flags, data: "" });
  }
  const flags = options.flags & ~filesystemFlags;
  if (flags !== 0) mount({ source: "none", target, type: "", flags: flags | bind | remount, data: "" });
}

function mountFilesystem(specification: MountSpecification, target: string, options: ParsedOptions): void {
  const { type, source } = specification;
  const data = options.data.join(",");
  if (Buffer.byteLength(data) < pageSize) {
    mount({ source, target, type, flags: options.flags, data });
    return;
  }
  try {
    mountWithParameters({
      type,
      target,
      parameters: parametersOf(type, source, options),
      attributes: attributesOf(options.flags),
    });
  } catch (error) {
    const tooLong = `${Buffer.byteLength(data)} bytes of options do not fit the page that mount(2) takes`;
    const reason = `${tooLong}, and one by one the kernel refuses them (an overlay needs Linux 6.8): ${messageOf(error)}`;
    throw new Error(reason, { cause: error });
  }
}

/**
 * Every option by itself. The lower directories of an overlay go one by one too ("lowerdir+", Linux 6.8), since a single
 * value is limited to 256 bytes; a "\" in them only kept mount(2) from seeing a separator.
 */
function parametersOf(
  type: string,
  source: string,
  options: ParsedOptions,
): readonly (readonly [key: string, value?: string])[] {
  const parameters: (readonly [key: string, value?: string])[] = [["source", source]];
  if ((options.flags & mountFlags.readOnly) !== 0) parameters.push(["ro"]);
  for (const option of options.data) {
    const equals = option.indexOf("=");
    const key = equals < 0 ? option : option.slice(0, equals);
    const value = equals < 0 ? undefined : option.slice(equals + 1);
    if (type === "overlay" && key === "lowerdir" && value !== undefined) {
      for (const lower of splitLowerDirectories(value)) parameters.push(["lowerdir+", lower]);
    } else parameters.push(value === undefined ? [key] : [key, value]);
  }
  return parameters;
}

/** Splits at ":" that no "\" precedes, and takes the "\" away. */
export function splitLowerDirectories(value: string): readonly string[] {
  return (value.match(/(?:\\.|[^:\\])+/g) ?? []).map((part) => part.replace(/\\(.)/g, "$1"));
}
