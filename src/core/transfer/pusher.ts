// SPDX-License-Identifier: Apache-2.0
// Pushes images: every blob that the registry lacks, mounted from another repository of it where one is known to have
// it, then the manifests, then the name. An index goes as a whole when all of it is here, else this machine's manifest.

import type { Digest } from "../../base/digest.ts";
import { EngineError, invalidArgument, toEngineError } from "../../base/errors.ts";
import { together } from "../../base/lifetime.ts";
import type { Descriptor } from "../../oci/image/descriptor.ts";
import { maximumManifestBytes, parseManifestDocument } from "../../oci/image/parse-documents.ts";
import {
  familiarName,
  parseReference,
  type Reference,
  repositoryOf,
  withDefaultTag,
} from "../../oci/reference/reference.ts";
import type { ContentStore } from "../content/content.ts";
import type { EventBus } from "../events/event-bus.ts";
import type { Image, ImageService } from "../images/image-service.ts";
import type { Lease, LeaseManager } from "../leases/lease-manager.ts";
import { LayerProgress, type OnProgress } from "./progress.ts";
import type { FetchedManifest, PushedBlob, Registry, RegistryCredentials } from "./registry.ts";
import { Slots } from "./slots.ts";

export interface PusherDeps {
  readonly registry: Registry;
  readonly content: ContentStore;
  readonly images: Pick<ImageService, "find" | "list">;
  readonly leases: LeaseManager;
  readonly events: EventBus;
  /** How many layers are sent at once, 5 by default. */
  readonly parallelUploads?: number;
}

export interface PushOptions {
  readonly credentials?: RegistryCredentials | undefined;
  readonly signal: AbortSignal;
  readonly onProgress?: OnProgress | undefined;
}

export interface PushedImage {
  readonly digest: Digest;
  /** Bytes of the manifest or index. */
  readonly size: number;
}

/** What goes to the registry: manifests children first, so that none points at something that is not there. */
interface Parcel {
  readonly manifests: readonly FetchedManifest[];
  readonly blobs: readonly Descriptor[];
}

const leaseLifetimeMs = 60 * 60 * 1000;
const maximumMountSources = 3;

/** Pushes images. */
export class Pusher {
  readonly #deps: PusherDeps;

  constructor(deps: PusherDeps) {
    this.#deps = deps;
  }

  /** Pushes the image of this name under this name; not-found when there is none. */
  async push(text: string, { credentials, signal, onProgress }: PushOptions): Promise<PushedImage> {
    const reference = withDefaultTag(parseReference(text));
    if (reference.digest !== undefined) throw invalidArgument("cannot push a digest reference");
    const image = this.#deps.images.find(text);
    if (image === undefined || !image.names.includes(`${repositoryOf(reference)}:${reference.tag}`)) {
      const name = familiarName({ domain: reference.domain, path: reference.path });
      throw new EngineError("not-found", `an image does not exist locally with the tag: ${name}`);
    }
    const options = { signal, ...(credentials !== undefined && { credentials }) };
    const report: OnProgress = (progress) => onProgress?.(progress);
    try {
      await using lease = await this.#deps.leases.create({ expiresIn: leaseLifetimeMs });
      return await this.#push(reference, { image, lease, options, report });
    } catch (error) {
      throw toEngineError(error);
    }
  }

  async #push(reference: Reference, { image, lease, options, report }: StartedPush): Promise<PushedImage> {
    const { registry, events } = this.#deps;
    report({ status: `The push refers to repository [${repositoryOf(reference)}]` });
    const parcel = await this.#pack(image, lease);
    await this.#pushBlobs(reference, parcel.blobs, { image, lease, options, report });
    const top = parcel.manifests.at(-1);
    if (top === undefined) throw new EngineError("internal", `image ${image.id} has no manifest`);
    const { domain, path } = reference;
    for (const child of parcel.manifests.slice(0, -1)) await registry.pushManifest({ domain, path }, child, options);
    await registry.pushManifest(reference, top, options);
    const { digest, size } = top.descriptor;
    const name = familiarName(reference);
    events.publish({
      type: "image",
      action: "push",
      id: name,
      attributes: { ...image.config.config?.Labels, name: familiarName({ domain, path }) },
    });
    report({ status: `${reference.tag}: digest: ${digest} size: ${size}` });
    return { digest, size };
  }

  async #pack(image: Image, lease: Lease): Promise<Parcel> {
    await lease.add({ kind: "content", id: image.target.digest });
    const whole = await this.#packTree(image.target);
    return whole ?? (await this.#packTree(image.manifest)) ?? { manifests: [], blobs: [] };
  }

  /** The manifest or index with all below it; undefined when a part of an index is not here. */
  async #packTree(descriptor: Descriptor): Promise<Parcel | undefined> {
    const { content } = this.#deps;
    if (content.find(descriptor.digest) === undefined) return undefined;
    const bytes = await content.read(descriptor.digest, { maximumBytes: maximumManifestBytes });
    const document = parseManifestDocument(bytes, descriptor.mediaType);
    const own: FetchedManifest = { descriptor: { ...descriptor, mediaType: document.mediaType }, bytes };
    if (document.kind === "manifest") {
      const blobs = [document.manifest.config, ...document.manifest.layers];
      const isWhole = blobs.every(({ digest }) => content.find(digest) !== undefined);
      return isWhole ? { manifests: [own], blobs } : undefined;
    }
    const parts: Parcel[] = [];
    for (const child of document.index.manifests) {
      const part = await this.#packTree(child);
      if (part === undefined) return undefined;
      parts.push(part);
    }
    return {
      manifests: [...parts.flatMap(({ manifests }) => manifests), own],
      blobs: parts.flatMap(({ blobs }) => blobs),
    };
  }

  async #pushBlobs(reference: Reference, blobs: readonly Descriptor[], push: StartedPush): Promise<void> {
    const slots = new Slots(this.#deps.parallelUploads ?? 5);
    const unique = new Map(blobs.map((blob) => [blob.digest, blob]));
    const layers = new Set(push.image.layers.map(({ digest }) => digest));
    const quiet: OnProgress = () => {};
    const pushOne = async (blob: Descriptor, signal: AbortSignal) => {
      // Docker's clients show layers, not configurations.
      const progress = new LayerProgress(blob, layers.has(blob.digest) ? push.report : quiet);
      progress.status("Preparing");
      if (slots.isFull) progress.status("Waiting");
      using _slot = await slots.acquire({ signal });
      const inner = { ...push, options: { ...push.options, signal } };
      progress.status(outcomeOf(await this.#pushBlob(reference, blob, inner, progress)));
    };
    await together((signal) => Array.from(unique.values(), (blob) => pushOne(blob, signal)), push.options);
  }

  async #pushBlob(
    reference: Reference,
    blob: Descriptor,
    { options }: StartedPush,
    progress: LayerProgress,
  ): Promise<PushedBlob> {
    const { registry, content } = this.#deps;
    return await registry.pushBlob(reference, blob, () => content.open(blob.digest, { signal: options.signal }), {
      ...options,
      mountFrom: this.#mountSources(reference, blob.digest),
      onProgress: (bytes) => progress.amount("Pushing", bytes),
    });
  }

  /** Repositories of the same registry that images here with this blob came from or went to. */
  #mountSources({ domain, path }: Reference, digest: Digest): readonly string[] {
    const paths = this.#deps.images
      .list()
      .filter(({ id, layers }) => id === digest || layers.some((layer) => layer.digest === digest))
      .flatMap(({ repoDigests }) => repoDigests.map(parseReference))
      .filter((other) => other.domain === domain && other.path !== path)
      .map((other) => other.path);
    return [...new Set(paths)].slice(0, maximumMountSources);
  }
}

interface StartedPush {
  readonly image: Image;
  readonly lease: Lease;
  readonly options: { readonly signal: AbortSignal; readonly credentials?: RegistryCredentials };
  readonly report: OnProgress;
}

function outcomeOf(pushed: PushedBlob): string {
  switch (pushed.kind) {
    case "pushed":
      return "Pushed";
    case "exists":
      return "Layer already exists";
    case "mounted":
      return `Mounted from ${pushed.from}`;
  }
}
