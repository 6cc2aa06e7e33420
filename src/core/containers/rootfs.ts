// SPDX-License-Identifier: Apache-2.0
// Files inside a container's root filesystem, and the seam that reaches them.
//
// The root is what an image made, so it is hostile: every path is resolved inside it, as a process of the container would
// see it. A symlink to "/etc" is the root's own /etc, ".." at the top stays there, and nothing outside is ever read,
// made or changed.

import type { IdMappings } from "../../base/id-mapping.ts";

export interface RootFilesystem {
  /** The file's bytes; undefined without one. What is no regular file is invalid-argument, more bytes than allowed resource-exhausted. */
  readFile(root: string, path: string, options: { readonly maximumBytes: number }): Promise<Uint8Array | undefined>;
  /** Where a directory is on the host, or undefined without one; what it is by then may change with the root. */
  resolveDirectory(root: string, path: string): Promise<string | undefined>;
  /** Makes the directory and those above it; only what is new gets the mode and owner. Follows symlinks, also to nothing. */
  ensureDirectory(root: string, path: string, attributes: DirectoryAttributes): Promise<void>;
  /**
   * Fills an empty volume with what the image has at the path: content, owners, modes, times, xattrs, links, and the
   * attributes of the directory itself. Does nothing when the volume has anything in it or the image no such directory.
   * A copy that was killed is begun again by the next one.
   */
  copyUp(root: string, path: string, targetDirectory: string, options: { readonly signal: AbortSignal }): Promise<void>;
  /**
   * All that is in the root as a tar, made as it is read, without what is mounted in it elsewhere. Others may change the
   * root meanwhile. idMappings: of a root that is mounted idmapped; the archive has the ids inside.
   */
  archive(
    root: string,
    options: { readonly signal: AbortSignal; readonly idMappings?: IdMappings },
  ): AsyncGenerator<Uint8Array>;
}

export interface DirectoryAttributes {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}
