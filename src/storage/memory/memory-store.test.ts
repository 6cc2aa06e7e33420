// SPDX-License-Identifier: Apache-2.0

import { testStoreContract } from "../testing/store-contract.ts";
import { openMemoryStore } from "./memory-store.ts";

testStoreContract("memory store", () => Promise.resolve(openMemoryStore()));
