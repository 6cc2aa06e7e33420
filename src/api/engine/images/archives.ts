// SPDX-License-Identifier: Apache-2.0
// save, load and import: archives as streams of chunks.

import { invalidArgument } from "../../../base/errors.ts";
import { type ArchiveExportDeps, saveImages } from "../../../core/transfer/archive-export.ts";
import { type ArchiveImportDeps, importFilesystem, loadImages } from "../../../core/transfer/archive-import.ts";
import type {
  ImportImageRequest,
  LoadImagesRequest,
  SaveImagesRequest,
} from "../../../gen/berth/engine/v1/image_pb.js";
import { parsePlatform } from "../../../oci/image/platform.ts";
import { familiarName, formatReference, parseReference, withDefaultTag } from "../../../oci/reference/reference.ts";
import { nextRequest } from "../process-stream.ts";

export type ArchiveDeps = ArchiveExportDeps & ArchiveImportDeps;

export async function* save(deps: ArchiveDeps, { images }: SaveImagesRequest, signal: AbortSignal) {
  for await (const chunk of saveImages(deps, images, { signal })) yield { chunk };
}

export async function load(deps: ArchiveDeps, requests: AsyncIterable<LoadImagesRequest>, signal: AbortSignal) {
  async function* chunks() {
    for await (const { chunk } of requests) yield chunk;
  }
  const loaded = await loadImages(deps, chunks(), { signal });
  return {
    images: loaded.flatMap(({ image, names }) =>
      names.length === 0
        ? [{ id: image.id, name: "" }]
        : names.map((name) => ({ id: image.id, name: familiarName(parseReference(name)) })),
    ),
  };
}

export async function importImage(deps: ArchiveDeps, requests: AsyncIterable<ImportImageRequest>, signal: AbortSignal) {
  const input = requests[Symbol.asyncIterator]();
  const { request } = await nextRequest(input);
  if (request.case !== "open") throw invalidArgument("an import begins with its open request");
  const { reference, changes, message, platform } = request.value;
  async function* chunks() {
    for (let next = await input.next(); next.done !== true; next = await input.next()) {
      if (next.value.request.case === "chunk") yield next.value.request.value;
    }
  }
  const image = await importFilesystem(deps, chunks(), {
    changes,
    message: message === "" ? undefined : message,
    platform: platform === undefined ? undefined : parsePlatform(platform),
    reference: reference === "" ? undefined : formatReference(withDefaultTag(parseReference(reference))),
    signal,
  });
  return { id: image.id };
}
