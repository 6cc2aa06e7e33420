// SPDX-License-Identifier: Apache-2.0
// The registry of a run, with every image that critest names, and the configuration that sends an engine there.

import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { startDockerRegistry } from "../../../src/drivers/registry/http/testing/docker-registry.ts";
import { makeBaseTrees } from "./images/base-trees.ts";
import { defineImages } from "./images/definitions.ts";
import { publishImages } from "./images/publish.ts";

const mirroredDomains = ["registry.k8s.io", "gcr.io", "k8s.gcr.io"];

/** Writes DOMAIN/hosts.toml below the directory. Disposing ends the registry. */
export async function startMirrors(
  hostsDirectory: string,
  { signal }: { readonly signal: AbortSignal },
): Promise<AsyncDisposable> {
  await using undo = new AsyncDisposableStack();
  const { port } = undo.use(await startDockerRegistry());
  const url = `http://127.0.0.1:${port}`;
  await publishImages(url, defineImages(await makeBaseTrees({ signal })), { signal });
  for (const domain of mirroredDomains) {
    await mkdir(path.join(hostsDirectory, domain), { recursive: true });
    // Also as the registry itself: what the mirror lacks is nowhere.
    const lines = [`server = "${url}"`, "", `[host."${url}"]`, 'capabilities = ["pull", "resolve"]', ""];
    await writeFile(path.join(hostsDirectory, domain, "hosts.toml"), lines.join("\n"));
  }
  return undo.move();
}
