// SPDX-License-Identifier: Apache-2.0
// What a checkpoint says of its container, in the files and fields that checkpointctl and other runtimes read
// (checkpointctl/lib/metadata.go).

import { constants, createWriteStream } from "node:fs";
import { open, writeFile } from "node:fs/promises";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { create, toJsonString } from "@bufbuild/protobuf";
import { hasCode, toEngineError } from "../../../../base/errors.ts";
import type { Engine } from "../../../../core/lifecycle/engine.ts";
import * as cri from "../../../../gen/runtime/v1/api_pb.js";
import { hasErrno } from "../../../../host/files/errno.ts";
import { formatRuntimeSpec } from "../../../../oci/runtime/spec-text.ts";
import type { PodContainer } from "../../runtime/find.ts";
import { toNanoseconds } from "../../times.ts";
import { containerStatusMessage } from "../container-message.ts";

/** record: the container as it was when it stood still. */
export async function writeMetadata(
  engine: Engine,
  record: PodContainer,
  { directory, checkpointedAt }: { readonly directory: string; readonly checkpointedAt: number },
): Promise<void> {
  const write = async (name: string, text: string) => {
    await writeFile(path.join(directory, name), text, { mode: 0o600 });
  };
  try {
    await write("config.dump", JSON.stringify(configDump(engine, record, checkpointedAt)));
    await write("status.dump", toJsonString(cri.ContainerStatusSchema, statusMessage(engine, record)));
    await write("status", statusText(record));
    const spec = engine.registry.findSpec(record.id);
    if (spec !== undefined) await write("spec.dump", formatRuntimeSpec(spec));
    await copyLog(record.logPath, path.join(directory, "container.log"));
  } catch (error) {
    throw toEngineError(error, `write down what container ${record.id} is`);
  }
}

function configDump(engine: Engine, record: PodContainer, checkpointedAt: number) {
  const image = record.pod.userSpecifiedImage ?? record.config.image;
  return {
    id: record.id,
    name: record.name,
    rootfsImage: image,
    rootfsImageRef: engine.images.find(record.imageId)?.repoDigests[0] ?? record.imageId,
    rootfsImageName: image,
    runtime: record.handler,
    createdTime: new Date(record.createdAt).toISOString(),
    checkpointedTime: new Date(checkpointedAt).toISOString(),
    restoredTime: "0001-01-01T00:00:00Z",
    restored: false,
  };
}

function statusMessage(engine: Engine, record: PodContainer): cri.ContainerStatus {
  return create(cri.ContainerStatusSchema, containerStatusMessage(engine, record));
}

/** Nanoseconds are more than a double holds: they are written as they are. */
function statusText({ createdAt, state }: PodContainer): string {
  const times = { CreatedAt: createdAt, StartedAt: state.startedAt, FinishedAt: state.finishedAt };
  const fields = Object.entries(times).map(([name, time]) => `"${name}":${toNanoseconds(time)}`);
  return `{${fields.join(",")},"ExitCode":${state.exitCode},"Pid":${state.pid},"Reason":"","Message":""}`;
}

/** Its output so far, where it has a log. Who may write where it lies is not root: a link or a FIFO there is no log. */
async function copyLog(from: string, to: string): Promise<void> {
  if (from === "") return;
  try {
    await using log = await open(from, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    if (!(await log.stat()).isFile()) return;
    await pipeline(log.createReadStream({ autoClose: false }), createWriteStream(to, { mode: 0o600 }));
  } catch (error) {
    if (!hasCode(error, "not-found") && !hasErrno(error, "ELOOP")) throw error;
  }
}
