// SPDX-License-Identifier: Apache-2.0

import { mkdir, mkdtemp, rm, stat } from "node:fs/promises";
import path from "node:path";
import { failedPrecondition, invalidArgument, toEngineError } from "../../../base/errors.ts";
import { raceSignal } from "../../../base/lifetime.ts";
import { checkpointContainer as checkpointInEngine } from "../../../core/lifecycle/checkpoint-container.ts";
import type { Engine } from "../../../core/lifecycle/engine.ts";
import type * as cri from "../../../gen/runtime/v1/api_pb.js";
import type { CriRuntime, Waiting } from "../runtime/deps.ts";
import { getContainer, isMember } from "../runtime/find.ts";
import { writeArchive } from "./checkpoint/write-archive.ts";
import { writeMetadata } from "./checkpoint/write-metadata.ts";

/** As long as a kubelet waits for an answer. */
const defaultTimeoutSeconds = 120n;
/** A day. */
const longestTimeoutSeconds = 86_400n;

/** Writes the container into an archive at the location, with the file names that containerd and CRI-O use; it runs on. */
export async function checkpointContainer(
  { engine }: CriRuntime,
  { containerId, location, timeout }: cri.CheckpointContainerRequest,
  { signal }: Waiting,
) {
  const { id } = getContainer(engine, containerId);
  if (timeout < 0n) throw invalidArgument(`the timeout of ${timeout} s is less than 0`);
  const seconds = timeout === 0n ? defaultTimeoutSeconds : timeout;
  const timeoutMs = Number(seconds < longestTimeoutSeconds ? seconds : longestTimeoutSeconds) * 1000;
  await checkLocation(location);
  const { promise: written, resolve, reject } = Promise.withResolvers<void>();
  // The runtime cannot be stopped halfway: when the client leaves, what it writes is still to be awaited and removed.
  engine.background.run(`checkpoint ${id}`, async (closing) => {
    await write(engine, id, { location, timeoutMs, signal, closing }).then(resolve, reject);
  });
  await raceSignal(written, signal);
  return {};
}

async function checkLocation(location: string): Promise<void> {
  if (!path.isAbsolute(location)) {
    throw invalidArgument(`the checkpoint's location ${JSON.stringify(location)} is not an absolute path`);
  }
  const directory = path.dirname(location);
  const isDirectory = await stat(directory).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isDirectory) throw failedPrecondition(`there is no directory ${directory} for the checkpoint`);
}

interface Writing {
  readonly location: string;
  readonly timeoutMs: number;
  /** The client's. */
  readonly signal: AbortSignal;
  /** The daemon ends. */
  readonly closing: AbortSignal;
}

async function write(engine: Engine, id: string, { location, timeoutMs, signal, closing }: Writing): Promise<void> {
  const directory = await makeDirectory(engine);
  await using undo = new AsyncDisposableStack();
  undo.defer(async () => await rm(directory, { recursive: true, force: true, maxRetries: 3 }));
  const imageDirectory = path.join(directory, "checkpoint");
  await mkdir(imageDirectory, { mode: 0o700 });
  const places = {
    imageDirectory,
    workDirectory: directory,
    diffFile: path.join(directory, "rootfs-diff.tar"),
    timeoutMs,
  };
  const record = await checkpointInEngine(engine, id, places, { signal: closing });
  signal.throwIfAborted();
  if (isMember(record)) await writeMetadata(engine, record, { directory, checkpointedAt: Date.now() });
  await writeArchive(directory, location, { signal: AbortSignal.any([signal, closing]) });
}

/** On the daemon's own disk: images are as large as the container's memory. */
async function makeDirectory(engine: Engine): Promise<string> {
  const parent = path.join(engine.settings.paths.root, "checkpoints");
  try {
    await mkdir(parent, { recursive: true, mode: 0o700 });
    return await mkdtemp(path.join(parent, "c-"));
  } catch (error) {
    throw toEngineError(error, `make a directory for a checkpoint in ${parent}`);
  }
}
