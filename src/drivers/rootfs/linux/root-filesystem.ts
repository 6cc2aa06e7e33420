// SPDX-License-Identifier: Apache-2.0
// The RootFilesystem of Linux: openat2(2) keeps every path inside its root.

import { closeSync, fstatSync } from "node:fs";
import { open, readlink } from "node:fs/promises";
import { EngineError, invalidArgument, toEngineError } from "../../../base/errors.ts";
import type { RootFilesystem } from "../../../core/containers/rootfs.ts";
import { archiveTree } from "./archive-tree.ts";
import { copyUp } from "./copy-up.ts";
import { ensureDirectory } from "./ensure-directory.ts";
import { descriptorPath, openRoot } from "./resolve.ts";

export function createRootFilesystem(): RootFilesystem {
  return {
    async readFile(root, path, { maximumBytes }) {
      return await describeFailure(`cannot read ${path} of the container`, async () => {
        using opened = openRoot(root);
        const descriptor = opened.find(path);
        if (descriptor === undefined) return undefined;
        try {
          // Only now that it is known to be a file: opening a FIFO would wait, opening a device may do something.
          if (!fstatSync(descriptor).isFile()) throw invalidArgument("it is not a regular file");
          return await readAtMost(descriptorPath(descriptor), maximumBytes);
        } finally {
          closeSync(descriptor);
        }
      });
    },

    async resolveDirectory(root, path) {
      return await describeFailure(`cannot find directory ${path} of the container`, async () => {
        using opened = openRoot(root);
        const descriptor = opened.find(path === "" ? "." : path, { directory: true });
        if (descriptor === undefined) return undefined;
        try {
          return await readlink(descriptorPath(descriptor));
        } finally {
          closeSync(descriptor);
        }
      });
    },

    async ensureDirectory(root, path, attributes) {
      await describeFailure(`cannot make directory ${path} in the container`, async () => {
        await Promise.resolve(ensureDirectory(root, path, attributes));
      });
    },

    async copyUp(root, path, targetDirectory, options) {
      await describeFailure(`cannot copy ${path} of the image into its volume`, async () => {
        await copyUp(root, path, targetDirectory, options);
      });
    },

    async *archive(root, options) {
      try {
        yield* archiveTree(root, options);
      } catch (error) {
        throw toEngineError(error, "cannot read the files of the container");
      }
    },
  };
}

async function describeFailure<T>(context: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw toEngineError(error, context);
  }
}

/** Reads the whole file; it may grow meanwhile, so its size is no promise. */
async function readAtMost(path: string, maximumBytes: number): Promise<Uint8Array> {
  await using file = await open(path, "r");
  const buffer = Buffer.alloc(Math.min((await file.stat()).size, maximumBytes) + 1);
  let length = 0;
  while (length < buffer.length) {
    const { bytesRead } = await file.read(buffer, length, buffer.length - length, null);
    if (bytesRead === 0) return buffer.subarray(0, length);
    length += bytesRead;
  }
  throw new EngineError("resource-exhausted", `it is larger than ${maximumBytes} bytes, or grew while it was read`);
}
