// SPDX-License-Identifier: Apache-2.0
// What all calls of hooks have in common.

import { messageOf } from "../../../../base/errors.ts";
import type { Logger } from "../../../../base/log.ts";
import type { HookTarget } from "../../../../core/hooks/hook-target.ts";
import type { ContainerEviction, ContainerUpdate } from "../../../../core/hooks/hook-views.ts";
import type { Notice } from "../plugins/events.ts";
import type { Plugin, Subject } from "../plugins/plugin.ts";

/** Who is called, in order, and what else a call needs. */
export interface Relay {
  readonly plugins: readonly Plugin[];
  readonly target: HookTarget;
  readonly logger: Logger;
}

interface Options {
  readonly signal: AbortSignal;
}

/** Tells one after the other; the first that refuses ends it with its error. */
export async function tellOrFail(relay: Relay, notice: Notice, about: () => Subject, options: Options): Promise<void> {
  if (relay.plugins.length === 0) return;
  const subject = about();
  for (const plugin of relay.plugins) await plugin.tell(notice, subject, options);
}

/** Tells all; a failure is logged. */
export async function tellAll(relay: Relay, notice: Notice, about: () => Subject, options: Options): Promise<void> {
  if (relay.plugins.length === 0) return;
  const subject = about();
  for (const plugin of relay.plugins) {
    await tolerate(relay, plugin, async () => await plugin.tell(notice, subject, options), options);
  }
}

/** Logs what the plugin failed at; an abort goes on. */
export async function tolerate(
  { logger }: Pick<Relay, "logger">,
  plugin: Plugin,
  work: () => Promise<void>,
  { signal }: Options,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    signal.throwIfAborted();
    logger.warn({ plugin: plugin.name, error: messageOf(error) }, "an NRI plugin failed at what it was told");
  }
}

/** What plugins want of other containers; that it cannot be done is logged, and no reason to fail. */
export async function applyWishes(
  { target, logger }: Pick<Relay, "target" | "logger">,
  { updates, evictions }: Wishes,
  options: Options,
): Promise<void> {
  try {
    if (evictions.length > 0) await target.evict(evictions, options);
    if (updates.length === 0) return;
    const failed = await target.update(updates, options);
    for (const { containerId } of failed) {
      logger.warn({ containerId }, "a container could not be updated as NRI plugins want it");
    }
  } catch (error) {
    options.signal.throwIfAborted();
    logger.warn({ error: messageOf(error) }, "what NRI plugins want of other containers could not be done");
  }
}

/** Of other containers than the one that a request is about. */
export interface Wishes {
  readonly updates: readonly ContainerUpdate[];
  readonly evictions: readonly ContainerEviction[];
}
