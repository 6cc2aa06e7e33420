// SPDX-License-Identifier: Apache-2.0

declare const BERTH_VERSION: string | undefined;

/** The engine's version; "development" when it runs from its sources. */
export const version: string = typeof BERTH_VERSION === "string" ? BERTH_VERSION : "development";
