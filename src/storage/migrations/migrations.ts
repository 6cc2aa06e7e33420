// SPDX-License-Identifier: Apache-2.0
// The migrations of Berth's store, oldest first. Append only.

import type { Migration } from "./migrate.ts";

export const migrations: readonly Migration[] = [{ version: 1, description: "begin an empty store", change: () => {} }];
