// SPDX-License-Identifier: Apache-2.0
// Makes an image of a container: its image with what the container changed as one more layer. What is mounted in it is
// not part of it.

import { createReadStream } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import path from "node:path";
import { defined } from "../../base/defined.ts";
import { toEngineError } from "../../base/errors.ts";
import type { ContainerDefaults } from "../../oci/image/documents.ts";
import type { ContainerRecord } from "../containers/container.ts";
import { mergeEnvironment } from "../containers/spec/environment.ts";
import type { Image } from "../images/image-service.ts";
import type { ArchiveImportDeps } from "../transfer/archive-import.ts";
import { commitLayer } from "../transfer/commit-layer.ts";
import { parseImportChanges } from "../transfer/import-changes.ts";
import { standingStill } from "./checkpoint-container.ts";
import { withoutMountPoints } from "./container-changes.ts";
import type { Engine } from "./engine.ts";
import { containerEvent } from "./state/container-events.ts";

export interface CommitRequest {
  readonly author: string;
  readonly message: string;
  /** Dockerfile instructions. */
  readonly changes: readonly string[];
  /** A running one stands still while its files are read. */
  readonly pause: boolean;
  /** Normalised, with a tag; an image without a name otherwise. */
  readonly reference: string | undefined;
  readonly signal: AbortSignal;
}

/** Leaves nothing when it fails. */
export async function commitContainer(
  engine: Engine,
  transfer: ArchiveImportDeps,
  container: string,
  { changes, pause, reference, author, message, signal }: CommitRequest,
): Promise<Image> {
  const found = engine.registry.get(container);
  const base = engine.images.get(found.imageId);
  const defaults = withChanges(containerDefaults(found), changes);
  await using directory = await makeDirectory(engine);
  const file = path.join(directory.path, "layer.tar");
  const record = await writeLayer(engine, found, { file, pause, signal });
  const image = await commitLayer(transfer, createReadStream(file), {
    base,
    defaults,
    author,
    message,
    createdBy: record.command.join(" "),
    reference,
    signal,
  });
  const named = reference === undefined ? {} : { imageRef: reference };
  engine.events.publish(containerEvent("commit", record, { comment: message, imageID: image.id, ...named }));
  return image;
}

interface LayerRequest {
  readonly file: string;
  readonly pause: boolean;
  readonly signal: AbortSignal;
}

async function writeLayer(
  engine: Engine,
  { id }: ContainerRecord,
  { file, pause, signal }: LayerRequest,
): Promise<ContainerRecord> {
  using _held = await engine.locks.acquire(id, { signal });
  const record = engine.registry.get(id);
  const running = engine.running.get(id);
  const write = async () => {
    const all = await engine.snapshotter.changes(record.snapshotKey, { signal });
    const shown = new Set(withoutMountPoints(all));
    const omit = all.filter((change) => !shown.has(change)).map((change) => change.path);
    await engine.snapshotter.writeDiff(record.snapshotKey, file, { signal, omit });
  };
  if (running === undefined || !pause) await write();
  else await standingStill(engine, record, running.task, write);
  return record;
}

/** On the daemon's own disk: a layer may be large. */
async function makeDirectory(engine: Engine): Promise<AsyncDisposable & { readonly path: string }> {
  const parent = path.join(engine.settings.paths.root, "commits");
  try {
    await mkdir(parent, { recursive: true, mode: 0o700 });
    const made = await mkdtemp(path.join(parent, "c-"));
    return { path: made, [Symbol.asyncDispose]: async () => await rm(made, { recursive: true, force: true }) };
  } catch (error) {
    throw toEngineError(error, `make a directory for a layer in ${parent}`);
  }
}

/** What the container was started with becomes what the image's containers start with. */
function containerDefaults(record: ContainerRecord): ContainerDefaults {
  const { config, imageDefaults } = record;
  const volumes = record.mounts.filter(({ anonymous }) => anonymous).map(({ request }) => [request.target, {}]);
  return defined({
    User: config.user ?? imageDefaults.User,
    ExposedPorts: unlessEmpty(Object.fromEntries(record.exposedPorts.map((port) => [port, {}]))),
    Env: mergeEnvironment([imageDefaults.Env ?? [], config.environment]),
    Entrypoint: record.entrypoint.length === 0 ? undefined : record.entrypoint,
    Cmd: record.command.length === 0 ? undefined : record.command,
    Volumes: unlessEmpty({ ...imageDefaults.Volumes, ...Object.fromEntries(volumes) }),
    WorkingDir: config.workingDirectory ?? imageDefaults.WorkingDir,
    Labels: unlessEmpty(record.labels),
    StopSignal: config.stopSignal ?? imageDefaults.StopSignal,
    Healthcheck: config.healthcheck ?? imageDefaults.Healthcheck,
    Shell: imageDefaults.Shell,
  });
}

function unlessEmpty<T extends object>(object: T): T | undefined {
  return Object.keys(object).length === 0 ? undefined : object;
}

/** As in a Dockerfile, a new entrypoint does without a command that was not given with it. */
function withChanges(defaults: ContainerDefaults, changes: readonly string[]): ContainerDefaults {
  const names = (word: string) => changes.some((change) => new RegExp(`^\\s*${word}\\b`, "i").test(change));
  const { Cmd: _, ...withoutCommand } = defaults;
  return parseImportChanges(changes, names("ENTRYPOINT") && !names("CMD") ? withoutCommand : defaults);
}
