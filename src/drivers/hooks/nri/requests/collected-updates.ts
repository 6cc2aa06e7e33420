// SPDX-License-Identifier: Apache-2.0

import { create } from "@bufbuild/protobuf";
import type {
  ContainerEviction as EvictionView,
  ContainerUpdate as UpdateView,
} from "../../../../core/hooks/hook-views.ts";
import {
  type ContainerEviction,
  type ContainerUpdate,
  ContainerUpdateSchema,
  LinuxResourcesSchema,
} from "../../../../gen/nri/pkg/api/v1alpha1/api_pb.js";
import { claimResources } from "../adjust/claim.ts";
import { mergeResources } from "../adjust/merge.ts";
import { Ownership } from "../adjust/ownership.ts";
import { resourcesFromNri } from "../messages/resources.ts";

/** What the plugins want changed during one request, merged for each container. */
export class CollectedUpdates {
  readonly ownership: Ownership;
  readonly #updates = new Map<string, ContainerUpdate>();

  constructor(ownership = new Ownership()) {
    this.ownership = ownership;
  }

  /** conflict when two plugins want the same of one container; an update that may fail is dropped instead. */
  add(updates: readonly ContainerUpdate[], plugin: string): void {
    for (const update of updates) {
      try {
        this.#claim(update, plugin);
      } catch (error) {
        if (update.ignoreFailure) continue;
        throw error;
      }
      const before = this.#updates.get(update.containerId);
      const empty = create(LinuxResourcesSchema);
      const resources = mergeResources(before?.linux?.resources ?? empty, update.linux?.resources ?? empty);
      this.#updates.set(
        update.containerId,
        create(ContainerUpdateSchema, {
          containerId: update.containerId,
          linux: { resources },
          ignoreFailure: update.ignoreFailure && (before?.ignoreFailure ?? true),
        }),
      );
    }
  }

  #claim(update: ContainerUpdate, plugin: string): void {
    const resources = update.linux?.resources;
    const claimant = { ownership: this.ownership, containerId: update.containerId, plugin };
    if (resources !== undefined) claimResources(claimant, resources);
  }

  /** As plugins said it. */
  get messages(): readonly ContainerUpdate[] {
    return [...this.#updates.values()];
  }

  /** As the engine takes it; without that of this container. */
  views(exceptFor?: string): readonly UpdateView[] {
    return this.messages.filter(({ containerId }) => containerId !== exceptFor).map(updateFromNri);
  }

  /** What is wanted of one container. */
  of(containerId: string): ContainerUpdate | undefined {
    return this.#updates.get(containerId);
  }
}

/** An update as the engine takes it. */
export function updateFromNri({ containerId, linux, ignoreFailure }: ContainerUpdate): UpdateView {
  const resources = linux?.resources === undefined ? {} : resourcesFromNri(linux.resources);
  return { containerId, resources, ignoreFailure };
}

/** An eviction as the engine takes it. */
export function evictionFromNri({ containerId, reason }: ContainerEviction): EvictionView {
  return { containerId, reason };
}
