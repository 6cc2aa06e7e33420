// SPDX-License-Identifier: Apache-2.0
// Turns the bytes of an image's documents into checked values. The bytes come from registries and archives, so nothing
// is believed: a document that is too large, ambiguous (an index and a manifest at once, a media type that differs from
// the one announced, a repeated key) or out of range is refused with failed-precondition. Unknown fields are ignored.

import { isDigest } from "../../base/digest.ts";
import { EngineError, failedPrecondition } from "../../base/errors.ts";
import { type Descriptor, isIndex, isManifest, layerCompression, mediaTypes, type Platform } from "./descriptor.ts";
import type { ImageConfig, Index, Manifest } from "./documents.ts";
import { isJsonObject, type JsonObject, parseStrictJson } from "./strict-json.ts";

/** Largest manifest or index, in bytes (distribution specification: 4 MiB). */
export const maximumManifestBytes = 4 * 1024 * 1024;
/** Largest image configuration, in bytes. */
export const maximumConfigBytes = 8 * 1024 * 1024;
/** How many indexes may stand inside each other before a manifest comes. */
export const maximumIndexDepth = 4;
/** Overlay mounts and other tools end near this many layers. */
const maximumLayers = 512;

export type ManifestDocument =
  | { readonly kind: "manifest"; readonly mediaType: string; readonly manifest: Manifest }
  | { readonly kind: "index"; readonly mediaType: string; readonly index: Index };

/**
 * Reads a manifest or an index. `mediaType` is what the registry's Content-Type or the descriptor that led here said;
 * undefined or a generic type when it said nothing, and then the document's own word or its shape decides.
 */
export function parseManifestDocument(bytes: Uint8Array, mediaType: string | undefined): ManifestDocument {
  checkSize(bytes, maximumManifestBytes, "manifest");
  const object = parseStrictJson(bytes, "manifest");
  const type = documentType(object, mediaType);
  if (object["schemaVersion"] === 1) {
    throw failedPrecondition(
      "manifest has schema version 1, which is obsolete: push the image again with a newer tool",
    );
  }
  if (object["schemaVersion"] !== 2) throw failedPrecondition("manifest has no schemaVersion 2");
  if (object["manifests"] !== undefined && (object["layers"] !== undefined || object["config"] !== undefined)) {
    throw failedPrecondition("manifest is ambiguous: it has both manifests and layers or config");
  }
  if (isIndex(type)) return { kind: "index", mediaType: type, index: readIndex(object) };
  return { kind: "manifest", mediaType: type, manifest: readManifest(object) };
}

/** As parseManifestDocument, where only an image manifest will do. */
export function parseManifest(bytes: Uint8Array, mediaType?: string): Manifest {
  const document = parseManifestDocument(bytes, mediaType);
  if (document.kind !== "manifest") throw failedPrecondition("expected an image manifest and found an index");
  return document.manifest;
}

/** As parseManifestDocument, where only an index will do. */
export function parseIndex(bytes: Uint8Array, mediaType?: string): Index {
  const document = parseManifestDocument(bytes, mediaType);
  if (document.kind !== "index") throw failedPrecondition("expected an image index and found a manifest");
  return document.index;
}

/** Reads an image configuration: what containers start with is passed on as it is, once its types are right. */
export function parseImageConfig(bytes: Uint8Array): ImageConfig {
  checkSize(bytes, maximumConfigBytes, "image config");
  const object = parseStrictJson(bytes, "image config");
  const rootfs = object["rootfs"];
  if (!isJsonObject(rootfs) || rootfs["type"] !== "layers" || !isArrayOf(rootfs["diff_ids"] ?? [], isDigest)) {
    throw failedPrecondition("image config has no rootfs of type layers with well-formed diff_ids");
  }
  for (const key of ["os", "architecture"]) {
    if (typeof object[key] !== "string") throw failedPrecondition(`image config has no ${key}`);
  }
  if (object["history"] !== undefined && object["history"] !== null && !isArrayOf(object["history"], isJsonObject)) {
    throw failedPrecondition("image config has a history that is not a list");
  }
  checkContainerDefaults(object["config"]);
  return {
    ...(object as unknown as ImageConfig),
    rootfs: { type: "layers", diff_ids: rootfs["diff_ids"] ?? [] },
  } as ImageConfig;
}

/** Refuses what cannot become a container's root: artifacts, layers of unknown types, layers without a diff id. */
export function checkUnpackable(manifest: Manifest, config?: ImageConfig): void {
  if (manifest.config.mediaType !== mediaTypes.ociConfig && manifest.config.mediaType !== mediaTypes.dockerConfig) {
    throw failedPrecondition(
      `not a container image: its config is ${JSON.stringify(manifest.artifactType ?? manifest.config.mediaType)}`,
    );
  }
  for (const layer of manifest.layers) {
    if (layerCompression(layer.mediaType) === undefined) {
      throw failedPrecondition(
        `layer ${layer.digest} has the unsupported media type ${JSON.stringify(layer.mediaType)}`,
      );
    }
  }
  if (config !== undefined && config.rootfs.diff_ids.length !== manifest.layers.length) {
    throw failedPrecondition(
      `image config lists ${config.rootfs.diff_ids.length} layers and its manifest ${manifest.layers.length}`,
    );
  }
}

/** Checks one more step from an index to a nested one; depth counts the indexes read so far. */
export function checkIndexDepth(depth: number): void {
  if (depth > maximumIndexDepth)
    throw failedPrecondition(`more than ${maximumIndexDepth} image indexes inside each other`);
}

function documentType(object: JsonObject, announced: string | undefined): string {
  const own = object["mediaType"];
  if (own !== undefined && typeof own !== "string")
    throw failedPrecondition("manifest has a mediaType that is not text");
  const given = announced?.split(";")[0]?.trim().toLowerCase();
  const specific = given === undefined || isGeneric(given) ? undefined : given;
  if (own !== undefined && own !== "" && specific !== undefined && own !== specific) {
    throw failedPrecondition(
      `manifest says it is ${JSON.stringify(own)} but was announced as ${JSON.stringify(specific)}`,
    );
  }
  const type = specific ?? (own === "" ? undefined : own);
  if (type === undefined) return object["manifests"] === undefined ? mediaTypes.ociManifest : mediaTypes.ociIndex;
  if (!isIndex(type) && !isManifest(type)) {
    throw failedPrecondition(`unsupported manifest media type ${JSON.stringify(type)}`);
  }
  return type;
}

/** Types that servers send when they do not know. */
function isGeneric(mediaType: string): boolean {
  return ["", "application/json", "application/octet-stream", "text/plain"].includes(mediaType);
}

function readIndex(object: JsonObject): Index {
  const entries = object["manifests"];
  if (!isArrayOf(entries, isJsonObject)) throw failedPrecondition("image index has no list of manifests");
  return {
    ...annotationsOf(object),
    schemaVersion: 2,
    ...(typeof object["mediaType"] === "string" && { mediaType: object["mediaType"] }),
    manifests: entries.map((entry, position) => readDescriptor(entry, `manifest ${position} of the index`)),
  };
}

function readManifest(object: JsonObject): Manifest {
  const { config, layers } = object;
  if (!isJsonObject(config)) throw failedPrecondition("manifest has no config");
  if (!isArrayOf(layers, isJsonObject)) throw failedPrecondition("manifest has no list of layers");
  if (layers.length > maximumLayers) throw failedPrecondition(`manifest has more than ${maximumLayers} layers`);
  return {
    ...annotationsOf(object),
    schemaVersion: 2,
    ...(typeof object["mediaType"] === "string" && { mediaType: object["mediaType"] }),
    ...(typeof object["artifactType"] === "string" && { artifactType: object["artifactType"] }),
    config: readDescriptor(config, "config"),
    layers: layers.map((layer, position) => readDescriptor(layer, `layer ${position}`)),
  };
}

function readDescriptor(object: JsonObject, what: string): Descriptor {
  const { mediaType, digest, size, urls, platform, artifactType } = object;
  if (typeof mediaType !== "string" || mediaType === "") throw failedPrecondition(`${what} has no mediaType`);
  if (!isDigest(digest)) throw failedPrecondition(`${what} has the malformed digest ${JSON.stringify(digest)}`);
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) {
    throw failedPrecondition(`${what} has the impossible size ${JSON.stringify(size)}`);
  }
  if (urls !== undefined && urls !== null && !isArrayOf(urls, isString)) {
    throw failedPrecondition(`${what} has urls that are not a list of texts`);
  }
  return {
    ...annotationsOf(object),
    mediaType,
    digest,
    size,
    ...(Array.isArray(urls) && urls.length > 0 && { urls }),
    ...(platform !== undefined && platform !== null && { platform: readPlatform(platform, what) }),
    ...(typeof artifactType === "string" && { artifactType }),
  };
}

function readPlatform(value: unknown, what: string): Platform {
  if (!isJsonObject(value) || typeof value["os"] !== "string" || typeof value["architecture"] !== "string") {
    throw failedPrecondition(`${what} has a platform without os and architecture`);
  }
  const { os, architecture, variant } = value;
  const version = value["os.version"];
  const features = value["os.features"];
  return {
    os,
    architecture,
    ...(typeof variant === "string" && variant !== "" && { variant }),
    ...(typeof version === "string" && { "os.version": version }),
    ...(isArrayOf(features, isString) && { "os.features": features }),
  } as Platform;
}

function annotationsOf(object: JsonObject): { readonly annotations?: Readonly<Record<string, string>> } {
  const annotations = object["annotations"];
  if (annotations === undefined || annotations === null) return {};
  if (!isTextMap(annotations)) throw failedPrecondition("manifest has annotations that are not texts");
  return { annotations };
}

const listFields = ["Env", "Entrypoint", "Cmd", "Shell", "OnBuild"];
const textFields = ["User", "WorkingDir", "StopSignal"];

function checkContainerDefaults(value: unknown): void {
  if (value === undefined || value === null) return;
  if (!isJsonObject(value)) throw failedPrecondition("image config has a config that is not an object");
  const isAbsent = (key: string) => value[key] === undefined || value[key] === null;
  for (const key of listFields) {
    if (!isAbsent(key) && !isArrayOf(value[key], isString)) {
      throw failedPrecondition(`image config has a ${key} that is not a list of texts`);
    }
  }
  for (const key of textFields) {
    if (!isAbsent(key) && !isString(value[key])) throw failedPrecondition(`image config has a ${key} that is not text`);
  }
  for (const key of ["ExposedPorts", "Volumes", "Healthcheck"]) {
    if (!isAbsent(key) && !isJsonObject(value[key])) {
      throw failedPrecondition(`image config has ${key} that are not an object`);
    }
  }
  if (!isAbsent("Labels") && !isTextMap(value["Labels"])) {
    throw failedPrecondition("image config has labels that are not texts");
  }
}

function checkSize(bytes: Uint8Array, maximum: number, what: string): void {
  if (bytes.byteLength > maximum) {
    throw new EngineError("resource-exhausted", `${what} of ${bytes.byteLength} bytes is larger than ${maximum}`);
  }
}

function isString(value: unknown): value is string {
  return typeof value === "string";
}

function isTextMap(value: unknown): value is Readonly<Record<string, string>> {
  return isJsonObject(value) && Object.values(value).every(isString);
}

function isArrayOf<T>(value: unknown, is: (element: unknown) => element is T): value is readonly T[] {
  return Array.isArray(value) && value.every(is);
}
