// SPDX-License-Identifier: Apache-2.0
// Idmapped mounts: files keep their owners on disk and appear with others.
//
// An overlay cannot be idmapped itself; its layers can (Linux 5.19). So each layer is mounted idmapped for a moment, the
// overlay is stacked from those, and they go again: the overlay has its own hold on them. All that lies on a tmpfs that is
// mounted on the target meanwhile, so that whoever unmounts the target removes what a killed process left.

import { closeSync, mkdirSync, openSync } from "node:fs";
import path from "node:path";
import { failedPrecondition, messageOf } from "../../base/errors.ts";
import { hostRoot, type IdMappings } from "../../base/id-mapping.ts";
import { hasErrno } from "../../host/files/errno.ts";
import { withFileSystemIds } from "../ffi/file-system-ids.ts";
import { closeDescriptor } from "../ffi/libc.ts";
import { placeMount, unmountFlags, unmountOffThread } from "../ffi/mount.ts";
import { cloneMount, setIdmap } from "../ffi/mount-tree.ts";
import { pinUserNamespace, type UserNamespaceOptions } from "../namespaces/user-namespace.ts";
import { type MountSpecification, mountOne, splitLowerDirectories } from "./mount-all.ts";
import { parseMountOptions } from "./options.ts";

/** Where an idmapped mount is put together, and as what. */
interface Workplace {
  /** A short name of the tmpfs: the options of a mount must fit a page. */
  readonly directory: string;
  readonly userNamespace: number;
  /** Root inside, as the host sees it. */
  readonly root: { readonly uid: number; readonly gid: number };
}

/**
 * Mounts the list onto the target, which must exist and have nothing mounted, with the ids of all files mapped. On failure
 * something may be left mounted on the target. failed-precondition when kernel or file system cannot do it.
 */
export async function mountIdmapped(
  specifications: readonly MountSpecification[],
  target: string,
  mappings: IdMappings,
  options: UserNamespaceOptions,
): Promise<void> {
  mountOne({ type: "tmpfs", source: "berth-idmap", options: ["mode=700", "size=4m", "private"] }, target);
  const finished: number[] = [];
  try {
    const pin = await pinUserNamespace(target, mappings, options);
    assemble(specifications, { target, pin, mappings, finished });
    await unmountOffThread(target, unmountFlags.noFollow | unmountFlags.detach);
    for (const [index, mount] of finished.entries()) {
      placeMount(mount, target);
      changePropagation(specifications[index], target);
    }
  } finally {
    for (const mount of finished) closeDescriptor(mount);
  }
}

function assemble(
  specifications: readonly MountSpecification[],
  at: { readonly target: string; readonly pin: string; readonly mappings: IdMappings; readonly finished: number[] },
): void {
  const directory = openSync(at.target, "r");
  const userNamespace = openSync(at.pin, "r");
  try {
    const root = hostRoot(at.mappings);
    for (const [index, specification] of specifications.entries()) {
      const place = `/proc/self/fd/${directory}/${index}`;
      mkdirSync(place);
      at.finished.push(assembleOne(specification, { directory: place, userNamespace, root }));
    }
  } finally {
    closeSync(userNamespace);
    closeSync(directory);
  }
}

/** The finished mount, not in the tree; the caller closes it. */
function assembleOne(specification: MountSpecification, workplace: Workplace): number {
  const place = `${workplace.directory}/mount`;
  mkdirSync(place);
  const options = specification.options.filter((option) => parseMountOptions([option]).propagation.length === 0);
  if (specification.type === "overlay") {
    const mapped = mapLayers(options, workplace);
    // What the overlay makes for itself belongs to who mounts it: that must be somebody whom the layers know.
    withFileSystemIds(workplace.root, () =>
      refusable(() => mountOne({ ...specification, options: mapped }, place), place),
    );
    return cloneMount(place, { recursive: false });
  }
  mountOne({ ...specification, options }, place);
  const recursive = specification.type === "rbind" || options.includes("rbind");
  return cloneMapped(place, { ...workplace, recursive, about: specification.source });
}

/** The options of an overlay with each layer replaced by an idmapped mount of it. */
function mapLayers(options: readonly string[], workplace: Workplace): readonly string[] {
  let count = 0;
  const mapped = (layer: string) => {
    const place = `${workplace.directory}/${count++}`;
    mkdirSync(place);
    const copy = cloneMapped(layer, { ...workplace, recursive: false, about: layer });
    try {
      placeMount(copy, place);
    } finally {
      closeDescriptor(copy);
    }
    return place;
  };
  const value = (key: string) => options.find((option) => option.startsWith(`${key}=`))?.slice(key.length + 1);
  const [lower, upper, work] = [value("lowerdir"), value("upperdir"), value("workdir")];
  const others = options.filter((option) => !/^(lower|upper|work)dir=/.test(option));
  const lowers = lower === undefined ? [] : [`lowerdir=${splitLowerDirectories(lower).map(mapped).join(":")}`];
  if (upper === undefined || work === undefined) return [...others, ...lowers];
  // The kernel wants both of them on one mount.
  if (path.dirname(upper) !== path.dirname(work)) {
    throw failedPrecondition(`cannot mount ${upper} idmapped: its work directory ${work} does not lie beside it`);
  }
  const both = mapped(path.dirname(upper));
  return [...others, ...lowers, `upperdir=${both}/${path.basename(upper)}`, `workdir=${both}/${path.basename(work)}`];
}

function cloneMapped(
  source: string,
  {
    userNamespace,
    recursive,
    about,
  }: { readonly userNamespace: number; readonly recursive: boolean; readonly about: string },
): number {
  const copy = cloneMount(source, { recursive });
  try {
    refusable(() => setIdmap(copy, userNamespace, { recursive, about }), about);
    return copy;
  } catch (error) {
    closeDescriptor(copy);
    throw error;
  }
}

function refusable(call: () => void, about: string): void {
  try {
    call();
  } catch (error) {
    if (!hasErrno(error, "EINVAL", "EPERM", "ENOSYS", "ENOTSUP", "EOVERFLOW")) throw error;
    const why = "the kernel or its file system cannot do it (an overlay of idmapped layers needs Linux 5.19)";
    throw failedPrecondition(`cannot mount ${about} idmapped: ${why}: ${messageOf(error)}`, error);
  }
}

function changePropagation(specification: MountSpecification | undefined, target: string): void {
  const options = (specification?.options ?? []).filter((option) => parseMountOptions([option]).propagation.length > 0);
  if (options.length > 0) mountOne({ type: "", source: "none", options }, target);
}
