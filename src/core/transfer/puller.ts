// SPDX-License-Identifier: Apache-2.0
// Pulls images: resolve, check, choose the platform, fetch configuration and layers, unpack, and only then let the name
// point at the image. A pull that fails leaves no record; the bytes that came wait for the next try. The same pull asked
// for several times at once is done once.

import type { Digest } from "../../base/digest.ts";
import { messageOf, toEngineError } from "../../base/errors.ts";
import { KeyedLock } from "../../base/keyed-lock.ts";
import type { Platform } from "../../oci/image/descriptor.ts";
import { formatPlatform, parsePlatform } from "../../oci/image/platform.ts";
import {
  familiarName,
  parseReference,
  type Reference,
  repositoryOf,
  withDefaultTag,
} from "../../oci/reference/reference.ts";
import type { EventBus } from "../events/event-bus.ts";
import { recordName } from "../images/image-index.ts";
import type { Image, ImageService } from "../images/image-service.ts";
import type { LeaseManager } from "../leases/lease-manager.ts";
import { fetchImage } from "./fetch-image.ts";
import { fetchLayers, type LayerDeps } from "./fetch-layers.ts";
import { registryOptions } from "./fetcher.ts";
import type { OnProgress } from "./progress.ts";
import type { RegistryCredentials } from "./registry.ts";
import { RunningPulls } from "./running-pulls.ts";
import { type SharedOptions, SharedWork } from "./shared-work.ts";
import { StallGuard } from "./stall-guard.ts";

export interface PullerDeps extends Omit<LayerDeps, "images" | "blobLocks" | "parallelDownloads"> {
  readonly images: Pick<ImageService, "find" | "put" | "unpack">;
  readonly leases: LeaseManager;
  readonly events: EventBus;
  /** This machine's. */
  readonly platform: Platform;
  /** How many layers of one image are fetched at once, 3 by default. */
  readonly parallelDownloads?: number;
  /** How long a registry may send nothing before the pull is given up, 5 minutes by default. */
  readonly progressTimeoutMs?: number;
}

export interface PullOptions {
  /** "linux/arm64" and the like; this machine's by default. */
  readonly platform?: string | undefined;
  readonly credentials?: RegistryCredentials | undefined;
  readonly signal: AbortSignal;
  readonly onProgress?: OnProgress | undefined;
}

export interface PulledImage {
  readonly image: Image;
  /** Of the manifest or index that the reference names in the registry. */
  readonly digest: Digest;
  /** The name under which the image is recorded: normalised, with a tag or a digest. */
  readonly reference: string;
  /** Whether it was here before, just so. */
  readonly isUpToDate: boolean;
}

/** How long what a killed pull brought is kept for the next one. */
const leaseLifetimeMs = 24 * 60 * 60 * 1000;

const defaultProgressTimeoutMs = 5 * 60 * 1000;

/** Pulls images; pulls of the same one share their work. */
export class Puller {
  /** What runs now, for those who look on. */
  readonly running = new RunningPulls();
  readonly #deps: PullerDeps & LayerDeps;
  readonly #pulls = new SharedWork<PulledImage>();

  constructor(deps: PullerDeps) {
    this.#deps = { ...deps, blobLocks: new KeyedLock(), parallelDownloads: deps.parallelDownloads ?? 3 };
  }

  /** Pulls what the text names; progress comes in Docker's words, with the digest and the outcome as last lines. */
  async pull(text: string, { platform, credentials, signal, onProgress }: PullOptions): Promise<PulledImage> {
    const reference = withDefaultTag(parseReference(text));
    const wanted = platform === undefined || platform === "" ? undefined : parsePlatform(platform);
    const key = JSON.stringify([recordName(reference), wanted, credentials]);
    try {
      const start = async (shared: SharedOptions) => await this.#pull(reference, { wanted, credentials, ...shared });
      return await this.#pulls.run(key, start, { signal, onProgress });
    } catch (error) {
      throw toEngineError(error);
    }
  }

  /** The shared work: it tells that it begins and how it ends. */
  async #pull(reference: Reference, started: StartedPull): Promise<PulledImage> {
    const platform = formatPlatform(started.wanted ?? this.#deps.platform);
    this.#publish("pull-start", reference);
    try {
      const pulled = await this.running.track(
        { reference: recordName(reference), platform },
        started.onProgress,
        async (onProgress) => await this.#pullImage(reference, { ...started, onProgress }),
      );
      this.#publish("pull", reference, pulled.image.config.config?.Labels);
      return pulled;
    } catch (error) {
      this.#publish("pull-fail", reference, { error: messageOf(error) });
      throw error;
    }
  }

  async #pullImage(reference: Reference, started: StartedPull): Promise<PulledImage> {
    const { wanted, credentials, onProgress } = started;
    const { images, leases } = this.#deps;
    await using lease = await leases.create({ expiresIn: leaseLifetimeMs });
    using guard = new StallGuard({
      signal: started.signal,
      timeoutMs: this.#deps.progressTimeoutMs ?? defaultProgressTimeoutMs,
      domain: reference.domain,
    });
    const { signal } = guard;
    const deps = { ...this.#deps, registry: guard.watch(this.#deps.registry) };
    const context = { reference, credentials, lease, signal };
    const name = recordName(reference);
    const target = await deps.registry.resolve(reference, registryOptions(context));
    onProgress({ id: reference.digest ?? reference.tag ?? target.digest, status: `Pulling from ${reference.path}` });
    const before = images.find(name);
    const choice = { platform: wanted ?? deps.platform, isExplicit: wanted !== undefined };
    const { manifest, config } = await fetchImage(deps, context, target, choice);
    const { layers } = manifest;
    await fetchLayers(deps, context, { id: manifest.config.digest, config, layers }, onProgress);
    const image = await images.put(name, target, { signal });
    const isUpToDate =
      before?.id === image.id && before.repoDigests.includes(`${repositoryOf(reference)}@${target.digest}`);
    onProgress({ status: `Digest: ${target.digest}` });
    onProgress({
      status: `Status: ${isUpToDate ? "Image is up to date" : "Downloaded newer image"} for ${familiarName(reference)}`,
    });
    return { image, digest: target.digest, reference: name, isUpToDate };
  }

  #publish(
    action: "pull-start" | "pull" | "pull-fail",
    reference: Reference,
    attributes: Readonly<Record<string, string>> = {},
  ): void {
    const name = familiarName({ domain: reference.domain, path: reference.path });
    this.#deps.events.publish({
      type: "image",
      action,
      id: familiarName(reference),
      attributes: { ...attributes, name },
    });
  }
}

interface StartedPull extends SharedOptions {
  readonly wanted: Platform | undefined;
  readonly credentials: RegistryCredentials | undefined;
}
