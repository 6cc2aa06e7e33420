// SPDX-License-Identifier: Apache-2.0
// All images by everything that people call them, made from the records at once and thrown away when one changes.

import type { Digest } from "../../base/digest.ts";
import { invalidArgument, isEngineError } from "../../base/errors.ts";
import {
  formatReference,
  parseReference,
  type Reference,
  repositoryOf,
  withDefaultTag,
} from "../../oci/reference/reference.ts";
import { type Image, type ImageRecord, isDanglingName } from "./image.ts";
import type { LoadedImage } from "./load-image.ts";

/** The name under which a reference is recorded: a digest decides alone when there is a tag as well. */
export function recordName(reference: Reference): string {
  if (reference.digest === undefined) return formatReference(withDefaultTag(reference));
  return `${repositoryOf(reference)}@${reference.digest}`;
}

/** Whether the recorded name is repository@digest. */
export function isDigestName(name: string): boolean {
  return name.includes("@");
}

/** Finds images by id, name or prefix. */
export class ImageIndex {
  readonly #byId = new Map<Digest, Image>();
  readonly #byName = new Map<string, Image>();

  /** loadedOf: undefined for a target whose documents cannot be read, which leaves it out. */
  constructor(records: Iterable<ImageRecord>, loadedOf: (target: Digest) => LoadedImage | undefined) {
    const groups = new Map<Digest, { readonly loaded: LoadedImage; readonly records: ImageRecord[] }>();
    for (const record of records) {
      const loaded = loadedOf(record.target.digest);
      if (loaded === undefined) continue;
      const id = loaded.configDescriptor.digest;
      const group = groups.get(id) ?? { loaded, records: [] };
      group.records.push(record);
      groups.set(id, group);
    }
    for (const { loaded, records: group } of groups.values()) {
      const image = imageOf(loaded, group);
      this.#byId.set(image.id, image);
      for (const { name } of group) this.#byName.set(name, image);
      for (const name of image.repoDigests) this.#byName.set(name, image);
    }
  }

  /** Newest first. */
  list(): readonly Image[] {
    return [...this.#byId.values()].sort((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? -1 : 1));
  }

  byId(id: string): Image | undefined {
    return this.#byId.get(id as Digest);
  }

  /** By full id, by name, or by a prefix of an id, in this order; invalid-argument when several have the prefix. */
  find(text: string): Image | undefined {
    const exact = this.byId(text) ?? this.byId(`sha256:${text}`);
    return exact ?? this.#byName.get(nameOf(text) ?? "") ?? this.#findByPrefix(text);
  }

  #findByPrefix(text: string): Image | undefined {
    if (!isIdText(text)) return undefined;
    const prefix = `sha256:${text.replace(/^sha256:/, "")}`;
    const matches = [...this.#byId.values()].filter(({ id }) => id.startsWith(prefix));
    if (matches.length > 1) throw invalidArgument(`multiple images match the id prefix ${text}: give more of it`);
    return matches[0];
  }
}

function isIdText(text: string): boolean {
  return /^(?:sha256:)?[0-9a-f]{1,64}$/.test(text);
}

/** The name under which the text would be recorded; undefined when it cannot be one. */
export function nameOf(text: string): string | undefined {
  try {
    return recordName(parseReference(text));
  } catch (error) {
    if (isEngineError(error) && error.code === "invalid-argument") return undefined;
    throw error;
  }
}

function imageOf(loaded: LoadedImage, records: readonly ImageRecord[]): Image {
  const { config, configDescriptor, layers, manifest, target } = loaded;
  const named = records.filter(({ name }) => !isDanglingName(name));
  const created = Date.parse(config.created ?? "");
  const digestNames = named.map(({ name, target: { digest } }) =>
    isDigestName(name) ? name : `${repositoryOf(parseReference(name))}@${digest}`,
  );
  return {
    id: configDescriptor.digest,
    target: named[0]?.target ?? target,
    manifest,
    config,
    layers,
    names: named.map(({ name }) => name).filter((name) => !isDigestName(name)),
    repoDigests: [...new Set(digestNames)],
    size: layers.reduce((sum, { size }) => sum + size, configDescriptor.size),
    createdAt: Number.isNaN(created) ? 0 : created,
  };
}
