// SPDX-License-Identifier: Apache-2.0
// What the documents of a saved archive say: the images of an OCI layout's index.json, with names from its annotations
// and from Docker's manifest.json, or those of manifest.json alone, for which manifests are made.

import { posix } from "node:path";
import type { Digest } from "../../base/digest.ts";
import { EngineError, hasCode, invalidArgument } from "../../base/errors.ts";
import { type Descriptor, mediaTypes, type Platform } from "../../oci/image/descriptor.ts";
import {
  checkUnpackable,
  maximumConfigBytes,
  maximumManifestBytes,
  parseImageConfig,
  parseIndex,
} from "../../oci/image/parse-documents.ts";
import { isJsonObject } from "../../oci/image/strict-json.ts";
import { formatReference, parseReference, withDefaultTag } from "../../oci/reference/reference.ts";
import type { ContentStore } from "../content/content.ts";
import { loadImage } from "../images/load-image.ts";
import type { Lease } from "../leases/lease-manager.ts";
import { storeDocument } from "./store-blob.ts";

/** What the archive's files became; links lead to the path of another one. */
export interface ArchiveFiles {
  readonly blobs: ReadonlyMap<string, { readonly digest: Digest; readonly size: number }>;
  readonly links: ReadonlyMap<string, string>;
}

interface DocumentDeps {
  readonly content: ContentStore;
  readonly platform: Platform;
}

export interface ArchivedImage {
  readonly target: Descriptor;
  readonly names: readonly string[];
}

interface DockerItem {
  readonly config: string;
  readonly names: readonly string[];
  readonly layers: readonly string[];
}

/** The images that the archive holds; invalid-argument when it is no image archive. */
export async function readLoadedArchive(
  deps: DocumentDeps,
  lease: Lease,
  files: ArchiveFiles,
): Promise<readonly ArchivedImage[]> {
  const items = await readDockerItems(deps.content, files);
  const index = fileAt(files, "index.json");
  if (index !== undefined && fileAt(files, "oci-layout") !== undefined) {
    return await readLayout(deps, files, index.digest, items ?? []);
  }
  if (items === undefined) throw invalidArgument("it has neither index.json nor manifest.json: it holds no images");
  return await Promise.all(items.map((item) => readDockerImage(deps.content, lease, files, item)));
}

async function readLayout(
  deps: DocumentDeps,
  files: ArchiveFiles,
  digest: Digest,
  items: readonly DockerItem[],
): Promise<readonly ArchivedImage[]> {
  const bytes = await deps.content.read(digest, { maximumBytes: maximumManifestBytes });
  const index = parseIndex(bytes, mediaTypes.ociIndex);
  const images = new Map<Digest, { readonly target: Descriptor; readonly names: Set<string> }>();
  for (const { mediaType, digest: target, size, annotations } of index.manifests) {
    const image = images.get(target) ?? { target: { mediaType, digest: target, size }, names: new Set<string>() };
    images.set(target, image);
    const name =
      annotations?.["io.containerd.image.name"] ?? fullName(annotations?.["org.opencontainers.image.ref.name"]);
    if (name !== undefined) image.names.add(normalized(name));
  }
  for (const { target, names } of images.values()) {
    if (names.size > 0) continue;
    const { configDescriptor } = await loadImage(deps.content, target, deps.platform);
    const item = items.find(({ config }) => fileAt(files, config)?.digest === configDescriptor.digest);
    for (const name of item?.names ?? []) names.add(name);
  }
  return [...images.values()].map(({ target, names }) => ({ target, names: [...names] }));
}

/** OCI tools may write a tag alone, which names nothing. */
function fullName(name: string | undefined): string | undefined {
  return name !== undefined && /[/:]/.test(name) ? name : undefined;
}

async function readDockerItems(content: ContentStore, files: ArchiveFiles): Promise<readonly DockerItem[] | undefined> {
  const file = fileAt(files, "manifest.json");
  if (file === undefined) return undefined;
  const bytes = await content.read(file.digest, { maximumBytes: maximumManifestBytes });
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch (error) {
    throw invalidArgument("manifest.json is not valid JSON", error);
  }
  if (!Array.isArray(value)) throw invalidArgument("manifest.json is not a list of images");
  return value.map(dockerItemOf);
}

function dockerItemOf(value: unknown): DockerItem {
  const { Config: config, RepoTags: tags, Layers: layers } = isJsonObject(value) ? value : {};
  if (typeof config !== "string" || !isTexts(tags ?? []) || !isTexts(layers ?? [])) {
    throw invalidArgument("manifest.json has an image without a config or layers");
  }
  return { config, names: ((tags ?? []) as string[]).map(normalized), layers: (layers ?? []) as string[] };
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((text) => typeof text === "string");
}

async function readDockerImage(
  content: ContentStore,
  lease: Lease,
  files: ArchiveFiles,
  item: DockerItem,
): Promise<ArchivedImage> {
  const { digest, size } = requireFile(files, item.config);
  const config = { mediaType: mediaTypes.dockerConfig, digest, size };
  const layers = await Promise.all(
    item.layers.map(async (path): Promise<Descriptor> => {
      const layer = requireFile(files, path);
      return { mediaType: await layerType(content, layer.digest), digest: layer.digest, size: layer.size };
    }),
  );
  const manifest = { schemaVersion: 2 as const, mediaType: mediaTypes.dockerManifest, config, layers };
  try {
    checkUnpackable(manifest, parseImageConfig(await content.read(digest, { maximumBytes: maximumConfigBytes })));
  } catch (error) {
    if (!hasCode(error, "failed-precondition")) throw error;
    throw invalidArgument(`${item.config} does not describe an image: ${(error as Error).message}`, error);
  }
  return { target: await storeDocument(content, lease, mediaTypes.dockerManifest, manifest), names: item.names };
}

async function layerType(content: ContentStore, digest: Digest): Promise<string> {
  const { signal } = new AbortController(); // only the first bytes are read
  for await (const chunk of content.open(digest, { signal })) {
    const start = Buffer.from(chunk.subarray(0, 4)).toString("hex");
    if (start.startsWith("1f8b")) return mediaTypes.dockerLayerGzip;
    return start === "28b52ffd" ? mediaTypes.ociLayerZstd : mediaTypes.dockerLayer;
  }
  return mediaTypes.dockerLayer;
}

function requireFile(files: ArchiveFiles, path: string) {
  const file = fileAt(files, path);
  if (file === undefined) throw new EngineError("data-loss", `the archive is incomplete: it has no file ${path}`);
  return file;
}

/** Follows links within the archive; as many as the kernel would. */
function fileAt(files: ArchiveFiles, path: string) {
  let current = posix.resolve("/", path).slice(1);
  for (let links = 0; links < 40; links++) {
    const target = files.links.get(current);
    if (target === undefined) return files.blobs.get(current);
    current = target;
  }
  throw invalidArgument(`the archive's file ${path} is a loop of links`);
}

function normalized(name: string): string {
  return formatReference(withDefaultTag(parseReference(name)));
}
