// SPDX-License-Identifier: Apache-2.0
// What everything else stands on: the store, its records, events, and the facts of the machine.

import path from "node:path";
import type { Logger } from "../base/log.ts";
import { containerNameTable, containerTable } from "../core/containers/container.ts";
import { ContainerRegistry } from "../core/containers/container-registry.ts";
import { EventBus } from "../core/events/event-bus.ts";
import type { HostDevices } from "../core/host/host-devices.ts";
import type { HostFacts } from "../core/host/host-facts.ts";
import type { SecurityModules } from "../core/host/security-modules.ts";
import { LeaseManager } from "../core/leases/lease-manager.ts";
import { ContentPins } from "../core/lifecycle/state/content-pins.ts";
import { podNameTable } from "../core/sandboxes/pod.ts";
import { sandboxTable } from "../core/sandboxes/sandbox.ts";
import { createHostDevices } from "../drivers/host/linux/host-devices.ts";
import { readHostFacts } from "../drivers/host/linux/host-facts.ts";
import { securityModules } from "../drivers/host/linux/security-modules.ts";
import { cacheTables } from "../storage/cached/cached-store.ts";
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
  readonly securityModules: SecurityModules;
}

/** What clients list all the time: the kubelet every second. */
const listedTables = [containerTable, containerNameTable, sandboxTable, podNameTable];

export async function openMetadata(config: DaemonConfig, logger: Logger): Promise<Metadata> {
  await using undo = new AsyncDisposableStack();
  const disk = undo.use(
    await openLmdbStore(path.join(config.root, "meta"), { logger: logger.child({ scope: "storage/lmdb" }) }),
  );
  await migrate(disk, migrations);
  const store = cacheTables(disk, listedTables);
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
    securityModules,
    [Symbol.asyncDispose]: async () => await resources.disposeAsync(),
  };
}
