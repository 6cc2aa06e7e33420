// SPDX-License-Identifier: Apache-2.0
// The peers that count, kubelet and crictl, are grpc-go: this is what it makes of our server.

import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { notFound } from "../../../base/errors.ts";
import { lineOf, serveForTest } from "./testing/serve-for-test.ts";

const run = promisify(execFile);
const noGo = spawnSync("go", ["version"]).status !== 0 && "go is not on PATH";
let directory = "";
let program = "";

before(async () => {
  if (noGo !== false) return;
  directory = await mkdtemp(path.join(tmpdir(), "berth-grpc-go-"));
  program = path.join(directory, "client");
  await run("go", ["build", "-o", program, "."], { cwd: path.join(import.meta.dirname, "testing/goclient") });
});

after(async () => {
  if (directory !== "") await rm(directory, { recursive: true, force: true });
});

interface Result {
  readonly step: string;
  readonly code: string;
  readonly message: string;
  readonly value: string;
}

async function call(socket: string, ...steps: string[]): Promise<readonly Result[]> {
  const { stdout } = await run(program, [socket, ...steps], { timeout: 60_000 });
  return stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Result);
}

test("grpc-go calls, streams, cancels and hears codes", { skip: noGo, timeout: 120_000 }, async (t) => {
  const left = Promise.withResolvers<void>();
  const containers = Array.from({ length: 110 }, (_, index) => ({ id: `${index}` }));
  const { socket, lines } = await serveForTest(t, {
    version: async ({ version }) => ({ runtimeName: `berth ${version}` }),
    containerStatus: async ({ containerId }) => await Promise.reject(notFound("container", `${containerId} “50%”`)),
    listContainers: async () => ({ containers }),
    status: async (_, { signal }) =>
      await new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason as Error));
      }),
    async *getContainerEvents(_, { signal }) {
      try {
        yield { containerId: "first" };
        await new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason as Error));
        });
      } finally {
        left.resolve();
      }
    },
    async *streamContainers() {
      for (const container of containers) yield { containers: [container] };
    },
  });
  const steps = ["version", "missing", "list", "deadline", "cancel", "stream", "unserved", "thousand", "version"];
  const results = await call(socket, ...steps);
  assert.deepEqual(
    results.map(({ step, code, message, value }) => [step, code, step === "deadline" ? "" : value || message]),
    [
      ["version", "OK", "berth v1"],
      ["missing", "NotFound", "no such container: x “50%”"],
      ["list", "OK", "110"],
      ["deadline", "DeadlineExceeded", ""], // the text is the client's or the server's, whose clock strikes first
      ["cancel", "Canceled", "first"],
      ["stream", "OK", "110"],
      ["unserved", "Unimplemented", "not part of this test"],
      ["thousand", "OK", "1000"],
      ["version", "OK", "berth v1"],
    ],
  );
  await left.promise;
  assert.equal((await lineOf("Status", lines)).fields["code"], "deadline-exceeded");
  assert.equal((await lineOf("GetContainerEvents", lines)).fields["code"], "cancelled");
});

test("grpc-go takes the largest answer it allows", { skip: noGo, timeout: 120_000 }, async (t) => {
  const { socket } = await serveForTest(t, {
    listContainers: async () => ({ containers: [{ id: "x".repeat(16 * 1024 * 1024 - 100) }] }),
  });
  const [result] = await call(socket, "list");
  assert.equal(result?.code, "OK");
});

test("grpc-go is told that the server closes", { skip: noGo, timeout: 120_000 }, async (t) => {
  const begun = Promise.withResolvers<void>();
  const { socket, server } = await serveForTest(t, {
    version: async (_, { signal }) => {
      begun.resolve();
      return await new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason as Error));
      });
    },
  });
  const calling = call(socket, "version");
  await begun.promise;
  await server[Symbol.asyncDispose]();
  const [result] = await calling;
  assert.deepEqual([result?.code, result?.message], ["Unavailable", "the engine is stopping"]);
});
