// SPDX-License-Identifier: Apache-2.0
// Where the program finds its own files: beside the bundle in dist/, or in the sources when it runs from them.

import { fileURLToPath } from "node:url";

const isBundled = !import.meta.url.endsWith(".ts");

/** The entry of a worker thread, by its name in src/daemon/workers. */
export function workerUrl(name: "namespaces" | "overlay-snapshotter"): URL {
  return new URL(isBundled ? `./workers/${name}.mjs` : `./workers/${name}.ts`, import.meta.url);
}

/** The static init that --init puts into containers. */
export const initPath = nativeProgram("berth-init");

/** What keeps output while no daemon runs. */
export const keeperPath = nativeProgram("berth-keeper");

/** What waits for pods whose containers share their processes. */
export const pausePath = nativeProgram("berth-pause");

/** What makes user namespaces. */
export const userNamespaceProgram = nativeProgram("berth-userns");

/** Static programs that make builds from native/. */
function nativeProgram(name: string): string {
  const directory = isBundled ? "../build/native/" : "../../build/native/";
  return fileURLToPath(new URL(`${directory}${name}`, import.meta.url));
}
