// SPDX-License-Identifier: Apache-2.0
// Finds, names, unpacks and removes images.
//
// The documents of every named image are in memory: they are read when a daemon starts and when a name is put, so
// finding and listing never wait. Changes happen one at a time; events follow the commit.

import type { Digest } from "../../base/digest.ts";
import { EngineError, invalidArgument, messageOf, notFound } from "../../base/errors.ts";
import { KeyedLock } from "../../base/keyed-lock.ts";
import type { Logger } from "../../base/log.ts";
import type { Descriptor, Platform } from "../../oci/image/descriptor.ts";
import { formatPlatform, matchPlatform, parsePlatform } from "../../oci/image/platform.ts";
import { familiarName, parseReference, withDefaultTag } from "../../oci/reference/reference.ts";
import type { Reader, Store, Transaction } from "../../storage/store.ts";
import { setReferences } from "../content/references.ts";
import type { EventBus } from "../events/event-bus.ts";
import { danglingName, type Image, imageTable, isDanglingName } from "./image.ts";
import { ImageIndex, nameOf, recordName } from "./image-index.ts";
import { type LoadedImage, loadImage } from "./load-image.ts";
import { type ImageUser, planRemoval, type RemovalPlan } from "./plan-removal.ts";
import { type UnpackableImage, type UnpackerDeps, type UnpackOptions, unpackImage } from "./unpacker.ts";

export type { Image, ImageRecord } from "./image.ts";
export type { ImageUser } from "./plan-removal.ts";

export interface ImageServiceDeps extends UnpackerDeps {
  readonly store: Store;
  readonly events: EventBus;
  /** This machine's. */
  readonly platform: Platform;
  /** Garbage collection, run after an image was deleted. */
  readonly collect: (options: { readonly signal: AbortSignal }) => Promise<unknown>;
  readonly logger: Logger;
}

/** One line of what rmi prints; names in their familiar form, ids in full. */
export type RemovedImage = { readonly untagged: string } | { readonly deleted: Digest };

export interface RemoveImageOptions {
  readonly force: boolean;
  /** The containers that were made from this image. */
  readonly usersOf: (id: Digest) => readonly ImageUser[];
  readonly signal: AbortSignal;
}

/** What happens to an image and its recorded names but that of a dangling one. */
type Planner = (image: Image, names: readonly string[]) => RemovalPlan;

export class ImageService {
  readonly #deps: ImageServiceDeps;
  /** By target digest. */
  readonly #loaded = new Map<Digest, LoadedImage>();
  readonly #changes = new KeyedLock();
  #index: ImageIndex | undefined;

  private constructor(deps: ImageServiceDeps) {
    this.#deps = deps;
  }

  /** Reads all images; one whose content is gone is logged and left out until it is pulled again. */
  static async open(deps: ImageServiceDeps): Promise<ImageService> {
    const service = new ImageService(deps);
    for (const [name, { target }] of deps.store.entries(imageTable)) {
      if (service.#loaded.has(target.digest)) continue;
      try {
        service.#loaded.set(target.digest, await loadImage(deps.content, target, deps.platform));
      } catch (error) {
        deps.logger.warn({ err: error, image: name }, `image ${name} cannot be used: ${messageOf(error)}`);
      }
    }
    return service;
  }

  /** All images, newest first; dangling ones have no names. */
  list(): readonly Image[] {
    return this.#current().list();
  }

  /** By full id, by reference as Docker normalises it, or by a unique prefix of an id; undefined when there is none. */
  find(text: string): Image | undefined {
    return this.#current().find(text);
  }

  /** The same; not-found in Docker's words, and invalid-argument for a text that can be neither. */
  resolve(text: string): Image {
    const image = this.find(text);
    if (image === undefined) throw noSuchImage(text);
    return image;
  }

  /** Resolves the image and calls use at once: what use notes down, every removal that comes later sees. */
  async resolveThen<T>(text: string, use: (image: Image) => T): Promise<T> {
    return await this.#changes.run("images", () => Promise.resolve(use(this.resolve(text))));
  }

  /** By full id. */
  get(id: Digest): Image {
    const image = this.#current().byId(id);
    if (image === undefined) throw notFound("image", id);
    return image;
  }

  /** not-found, so that the client pulls it, when the image is for another platform than "linux/arm64" or the like. */
  checkPlatform(image: Image, platform: string): void {
    const wanted = parsePlatform(platform);
    if (matchPlatform(wanted, image.config)) return;
    const name = image.names[0] ?? image.id;
    throw new EngineError(
      "not-found",
      `image with reference ${name} was found but does not match the specified platform: wanted ${formatPlatform(wanted)}, actual: ${formatPlatform(image.config)}`,
    );
  }

  /**
   * Lets the name (none for a dangling image) point at content that is here and leased by the caller. What the name
   * pointed at before stays as a dangling image when it has no other name. Aborted in time, it records nothing.
   */
  async put(
    name: string | undefined,
    target: Descriptor,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<Image> {
    const recorded = name === undefined ? danglingName(target.digest) : recordName(parseReference(name));
    return await this.#changes.run("images", () => this.#put(recorded, target, options), options);
  }

  /** Gives the image another name, taking it from the image that has it. */
  async tag(source: string, targetReference: string): Promise<void> {
    const reference = parseReference(targetReference);
    if (reference.digest !== undefined) throw invalidArgument("refusing to create a tag with a digest reference");
    const image = await this.#changes.run("images", async () => {
      const { target } = this.resolve(source);
      return await this.#put(recordName(reference), target);
    });
    this.#publish("tag", image, familiarName(withDefaultTag(reference)));
  }

  /** Removes a name, or by id all names and the image, by Docker's rules (plan-removal.ts); conflict when they forbid it. */
  async remove(text: string, { force, usersOf, signal }: RemoveImageOptions): Promise<readonly RemovedImage[]> {
    const plan: Planner = (image, names) => {
      const name = names.find((recorded) => recorded === nameOf(text));
      return planRemoval({ text, image, name, names, force, users: usersOf(image.id) });
    };
    const removed = await this.#changes.run("images", () => this.#remove(text, plan), { signal });
    if (removed === undefined) throw noSuchImage(text);
    await this.#collectAfter(removed, text, signal);
    return removed;
  }

  /**
   * Removes the image with all its names whichever of them is given, and whoever uses it: what containers stand on stays
   * until they go. Nothing when it is not here.
   */
  async removeWhole(text: string, { signal }: { readonly signal: AbortSignal }): Promise<readonly RemovedImage[]> {
    const plan: Planner = (_image, names) => ({ untag: names, outcome: "delete" });
    const removed = (await this.#changes.run("images", () => this.#remove(text, plan), { signal })) ?? [];
    await this.#collectAfter(removed, text, signal);
    return removed;
  }

  /** To be called when a container of the image is gone: it may have been the last thing that kept a removed image. */
  async released(id: Digest, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    if (this.#current().byId(id) === undefined) await this.#collect(`removing the last container of ${id}`, signal);
  }

  /** Makes the image's snapshots; gives the name of the top one, undefined for an image without layers. */
  async unpack(image: UnpackableImage, options: UnpackOptions): Promise<Digest | undefined> {
    return await unpackImage(this.#deps, image, options);
  }

  async #put(name: string, target: Descriptor, { signal }: { readonly signal?: AbortSignal } = {}): Promise<Image> {
    const { store, content, platform } = this.#deps;
    const loaded = await loadImage(content, target, platform);
    signal?.throwIfAborted();
    this.#loaded.set(target.digest, loaded);
    await store.transaction((transaction) => {
      for (const { from, to } of loaded.edges) setReferences(transaction, from, { content: to });
      const previous = transaction.find(imageTable, name);
      const now = Date.now();
      transaction.put(imageTable, name, { name, target, createdAt: previous?.createdAt ?? now, updatedAt: now });
      if (previous !== undefined) this.#keepDangling(transaction, previous.target);
      if (!isDanglingName(name)) this.#dropDangling(transaction, loaded.configDescriptor.digest);
    });
    this.#index = undefined;
    return this.get(loaded.configDescriptor.digest);
  }

  /** undefined when there is no such image. */
  async #remove(text: string, planOf: Planner): Promise<readonly RemovedImage[] | undefined> {
    const image = this.find(text);
    if (image === undefined) return await this.#removeUnreadable(text);
    const names = this.#recordsOf(image.id).filter((name) => !isDanglingName(name));
    const plan = planOf(image, names);
    await this.#apply(image, plan);
    const untagged = plan.untag.map((untaggedName) => familiarName(parseReference(untaggedName)));
    for (const familiar of untagged) this.#publish("untag", image, familiar);
    if (plan.outcome === "delete") this.#publish("delete", image, image.id);
    const lines: RemovedImage[] = untagged.map((familiar) => ({ untagged: familiar }));
    return plan.outcome === "delete" ? [...lines, { deleted: image.id }] : lines;
  }

  async #collectAfter(removed: readonly RemovedImage[], text: string, signal: AbortSignal): Promise<void> {
    if (removed.some((line) => "deleted" in line)) await this.#collect(`removing image ${text}`, signal);
  }

  async #collect(occasion: string, signal: AbortSignal): Promise<void> {
    try {
      await this.#deps.collect({ signal });
    } catch (error) {
      // What was removed is gone; its bytes go with the next collection.
      this.#deps.logger.warn({ err: error }, `collect garbage after ${occasion}`);
    }
  }

  async #apply(image: Image, plan: RemovalPlan): Promise<void> {
    await this.#deps.store.transaction((transaction) => {
      for (const name of plan.untag) transaction.remove(imageTable, name);
      if (plan.outcome === "dangle") this.#keepDangling(transaction, image.target);
      if (plan.outcome === "delete") this.#dropDangling(transaction, image.id);
    });
    this.#index = undefined;
    this.#forgetUnnamed();
  }

  /** Drops the documents that no record leads to any more. */
  #forgetUnnamed(): void {
    const targets = new Set(Array.from(this.#deps.store.entries(imageTable), ([, { target }]) => target.digest));
    for (const digest of this.#loaded.keys()) if (!targets.has(digest)) this.#loaded.delete(digest);
  }

  /** The name of an image whose content is gone leads nowhere, but can be taken away. */
  async #removeUnreadable(text: string): Promise<readonly RemovedImage[] | undefined> {
    const name = nameOf(text);
    if (name === undefined || this.#deps.store.find(imageTable, name) === undefined) return undefined;
    await this.#deps.store.transaction((transaction) => transaction.remove(imageTable, name));
    return [{ untagged: familiarName(parseReference(name)) }];
  }

  /** Records the target under a dangling name when no other record leads to its image. */
  #keepDangling(transaction: Transaction, target: Descriptor): void {
    const id = this.#idOf(target.digest);
    if (id === undefined || this.#recordsOf(id, transaction).length > 0) return;
    const name = danglingName(target.digest);
    const now = Date.now();
    transaction.put(imageTable, name, { name, target, createdAt: now, updatedAt: now });
  }

  #dropDangling(transaction: Transaction, id: Digest): void {
    for (const name of this.#recordsOf(id, transaction)) {
      if (isDanglingName(name)) transaction.remove(imageTable, name);
    }
  }

  /** The recorded names that lead to the image. */
  #recordsOf(id: Digest, reader: Reader = this.#deps.store): readonly string[] {
    return Array.from(reader.entries(imageTable))
      .filter(([, { target }]) => this.#idOf(target.digest) === id)
      .map(([name]) => name);
  }

  #idOf(target: Digest): Digest | undefined {
    return this.#loaded.get(target)?.configDescriptor.digest;
  }

  #current(): ImageIndex {
    this.#index ??= new ImageIndex(
      Array.from(this.#deps.store.entries(imageTable), ([, record]) => record),
      (target) => this.#loaded.get(target),
    );
    return this.#index;
  }

  #publish(action: "tag" | "untag" | "delete", { id, config }: Image, name: string): void {
    this.#deps.events.publish({ type: "image", action, id, attributes: { ...config.config?.Labels, name } });
  }
}

function noSuchImage(text: string): EngineError {
  const isId = /^(?:sha256:)?[0-9a-f]{64}$/.test(text);
  return notFound("image", isId ? text : familiarName(withDefaultTag(parseReference(text))));
}
