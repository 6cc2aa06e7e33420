// SPDX-License-Identifier: Apache-2.0

import { mkdir } from "node:fs/promises";
import path from "node:path";
import { EngineError, invalidArgument, isEngineError, toEngineError } from "../../../base/errors.ts";
import { createContainer as createInEngine } from "../../../core/lifecycle/create-container.ts";
import { readyPod } from "../../../core/lifecycle/pod-member.ts";
import { imageMountKind } from "../../../core/lifecycle/prepare/image-mounts.ts";
import type { PodMetadata } from "../../../core/sandboxes/pod.ts";
import type * as cri from "../../../gen/runtime/v1/api_pb.js";
import type { CriRuntime, Waiting } from "../runtime/deps.ts";
import { getPod } from "../runtime/find.ts";
import { toContainerConfig, toLogPath } from "./config/container-config.ts";

/** The pod's configuration comes with the request, too; what counts is the one that the pod was made with. */
export async function createContainer(
  { engine }: CriRuntime,
  request: cri.CreateContainerRequest,
  { signal }: Waiting,
) {
  const { config } = request;
  if (config === undefined) throw invalidArgument("the request has no container config");
  const pod = readyPod(engine, getPod(engine, request.podSandboxId).id);
  const { features } = await engine.handlers.use(pod.pod.handler, { signal });
  const asked = await toContainerConfig(config, { pod: pod.pod.config, host: engine.host, features });
  // toContainerConfig has refused a config without metadata.
  const { name, attempt } = config.metadata ?? { name: "", attempt: 0 };
  const logPath = toLogPath(config, pod.pod.config.logDirectory);
  if (logPath !== "") await ensureLogDirectory(logPath);
  const userSpecifiedImage = config.image?.userSpecifiedImage ?? "";
  const { record } = await create(
    engine,
    {
      name: containerName(pod.pod.config.metadata, name, attempt),
      config: asked,
      member: {
        pod,
        metadata: { name, attempt, ...(userSpecifiedImage !== "" && { userSpecifiedImage }) },
        logPath,
      },
    },
    { signal },
  ).catch((error: unknown) => {
    throw nameIsTaken(error) ? alreadyThere(name, attempt, error) : error;
  });
  return { containerId: record.id };
}

function nameIsTaken(error: unknown): error is EngineError {
  return isEngineError(error) && error.code === "conflict" && error.details["kind"] === "container";
}

function alreadyThere(name: string, attempt: number, cause: EngineError): EngineError {
  const { details } = cause;
  return new EngineError(
    "already-exists",
    `the container ${name} of this pod (attempt ${attempt}) is there already as ${details["id"]}: remove that one first, or ask with another attempt`,
    { details, cause },
  );
}

/** The kubelet looks for the word in the message. */
async function create(...of: Parameters<typeof createInEngine>): ReturnType<typeof createInEngine> {
  try {
    return await createInEngine(...of);
  } catch (error) {
    if (!isEngineError(error) || error.details["kind"] !== imageMountKind) throw error;
    throw new EngineError(error.code, `ImageVolumeMountFailed: ${error.message}`, { cause: error });
  }
}

/** What makes it one container, as people and docker's clients see it (dockershim's form). */
function containerName(pod: PodMetadata, name: string, attempt: number): string {
  const parts = ["k8s", name, pod.name, pod.namespace, pod.uid, String(attempt)];
  return parts.map((part) => part.replace(/[^a-zA-Z0-9.-]/g, "-")).join("_");
}

async function ensureLogDirectory(logPath: string): Promise<void> {
  try {
    await mkdir(path.dirname(logPath), { recursive: true, mode: 0o755 });
  } catch (error) {
    throw toEngineError(error, `make the directory of the log ${logPath}`);
  }
}
