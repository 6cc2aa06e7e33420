// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { blobOf } from "../../drivers/registry/http/testing/sample-image.ts";
import { parseReference } from "../../oci/reference/reference.ts";
import type { RegistryReader } from "./registry.ts";
import { StallGuard } from "./stall-guard.ts";

const { signal } = new AbortController();
const reference = parseReference("registry.example/app");
const { descriptor } = blobOf(new Uint8Array(1));

/** A registry whose blob comes in pieces with pauses between them. */
function slowRegistry(pausesMs: readonly number[]): RegistryReader {
  return {
    resolve: () => Promise.resolve(descriptor),
    fetchManifest: () => Promise.reject(new Error("not asked for")),
    async *openBlob(_reference, _descriptor, options) {
      for (const pause of pausesMs) {
        await new Promise<void>((resolve, reject) => {
          const timer = setTimeout(resolve, pause);
          options.signal.addEventListener("abort", () => {
            clearTimeout(timer);
            reject(options.signal.reason as Error);
          });
        });
        yield new Uint8Array(1);
      }
    },
  };
}

test("a registry that sends nothing for too long is unavailable", async () => {
  using guard = new StallGuard({ signal, timeoutMs: 100, domain: "registry.example" });
  const blob = guard.watch(slowRegistry([0, 60_000])).openBlob(reference, descriptor, { signal: guard.signal });
  let pieces = 0;
  await assert.rejects(
    async () => {
      for await (const piece of blob) pieces += piece.byteLength;
    },
    { code: "unavailable", message: "registry registry.example: nothing came for 0.1 seconds" },
  );
  assert.equal(pieces, 1);
});

test("one that sends a little now and then is waited for as long as it takes", async () => {
  using guard = new StallGuard({ signal, timeoutMs: 1000, domain: "registry.example" });
  const blob = guard.watch(slowRegistry(Array(15).fill(100))).openBlob(reference, descriptor, { signal: guard.signal });
  assert.equal((await Array.fromAsync(blob)).length, 15);
});

test("a blob that waits is not given up while another one comes", async () => {
  using guard = new StallGuard({ signal, timeoutMs: 1000, domain: "registry.example" });
  const read = async (pausesMs: readonly number[]) =>
    await Array.fromAsync(
      guard.watch(slowRegistry(pausesMs)).openBlob(reference, descriptor, { signal: guard.signal }),
    );
  const [waited, came] = await Promise.all([read([1800]), read(Array(20).fill(100))]);
  assert.deepEqual([waited.length, came.length], [1, 20]);
});

test("time in which nothing is asked of the registry does not count", async () => {
  using guard = new StallGuard({ signal, timeoutMs: 50, domain: "registry.example" });
  const registry = guard.watch(slowRegistry([0, 0]));
  for await (const _piece of registry.openBlob(reference, descriptor, { signal: guard.signal })) {
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  assert.equal(guard.signal.aborted, false);
});

test("the pull's own end is its reason, and a reader that leaves closes the blob", async () => {
  const leaving = new AbortController();
  using guard = new StallGuard({ signal: leaving.signal, timeoutMs: 60_000, domain: "registry.example" });
  leaving.abort(new Error("gone"));
  assert.throws(() => guard.signal.throwIfAborted(), /gone/);
  let isClosed = false;
  const registry: RegistryReader = {
    ...slowRegistry([]),
    async *openBlob() {
      try {
        for (;;) yield await Promise.resolve(new Uint8Array(1));
      } finally {
        isClosed = true;
      }
    },
  };
  for await (const _piece of guard.watch(registry).openBlob(reference, descriptor, { signal })) break;
  assert.equal(isClosed, true);
});
