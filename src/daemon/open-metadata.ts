// SPDX-License-Identifier: Apache-2.0
// What everything else stands on: the store, its records, events, and the facts of the machine.

import path from "node:path";
import type { Logger } from "../base/log.ts";
import { ContainerRegistry } from "../core/containers/container-registry.ts";
import { EventBus } from "../core/events/event-bus.ts";
import type { HostDevices } from "../core/host/host-devices.ts";
import type { HostFacts } from "../core/host/host-facts.ts";
import { LeaseManager } from "../core/leases/lease-manager.ts";
import { ContentPins } from "../core/lifecycle/content-pins.ts";
import { createHostDevices } from "../drivers/host/linux/host-devices.ts";
import { readHostFacts } from "../drivers/host/linux/host-facts.ts";
import { openLmdbStore } from "../storage/lmdb/lmdb-store.ts";
import { migrate } from "../storage/migrations/migrate.ts";
import { migrations } from "../storage/migrations/migrations.ts";
import type { Store } from "../storage/store.ts";
import type { DaemonConfig } from "./config.ts";

export interface Metadata extends AsyncDisposable {
  readonly store: Store;
  readonly registry: ContainerRegistry;
  readonly leases: LeaseManager;
  readonly events: EventBus;
  readonly pins: ContentPins;
  readonly host: HostFacts;
  readonly devices: HostDevices;
}

export async function openMetadata(config: DaemonConfig, logger: Logger): Promise<Metadata> {
  await using undo = new AsyncDisposableStack();
  const store = undo.use(
    await openLmdbStore(path.join(config.root, "meta"), { logger: logger.child({ scope: "storage/lmdb" }) }),
  );
  await migrate(store, migrations);
  const host = await readHostFacts();
  const resources = undo.move();
  return {
    store,
    registry: new ContainerRegistry({ store }),
    leases: new LeaseManager({ store }),
    events: new EventBus(),
    pins: new ContentPins(),
    host,
    devices: createHostDevices(),
    [Symbol.asyncDispose]: async () => await resources.disposeAsync(),
  };
}
