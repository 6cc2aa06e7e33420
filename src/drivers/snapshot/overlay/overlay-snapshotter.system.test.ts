// SPDX-License-Identifier: Apache-2.0

import { snapshotterContract } from "../../../core/snapshots/testing/snapshotter-contract.ts";
import { openMemoryStore } from "../../../storage/memory/memory-store.ts";
import { makeOverlayBed } from "./testing/overlay-bed.ts";

snapshotterContract("overlay", () => makeOverlayBed(openMemoryStore()));
