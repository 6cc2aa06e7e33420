// SPDX-License-Identifier: Apache-2.0
// A pull as the pull and run commands do it: with the user's credentials for the registry, and with progress.

import { DockerConfig, type PulledImage, type RegistryCredentials, type TransferProgress } from "@berth/sdk";
import type { CommandContext } from "./command.ts";
import { createProgress, type ProgressEvent, type ProgressOutput } from "./progress/progress.ts";
import { registryOf } from "./references.ts";

interface PullOptions {
  readonly platform?: string | undefined;
  /** Shows nothing when undefined. */
  readonly output: ProgressOutput | undefined;
}

export async function pullImage(
  context: CommandContext,
  reference: string,
  { platform, output }: PullOptions,
): Promise<PulledImage> {
  return await context.client().images.pull(reference, {
    signal: context.signal,
    platform,
    credentials: await credentialsFor(reference),
    ...(output !== undefined && { onProgress: progressTo(output) }),
  });
}

/** What the user has for the registry of this image. */
export async function credentialsFor(reference: string): Promise<RegistryCredentials | undefined> {
  return await new DockerConfig().get(registryOf(reference));
}

/** Shows the lines of a transfer. */
export function progressTo(output: ProgressOutput): (progress: TransferProgress) => void {
  const progress = createProgress(output);
  return (message) => progress.show(toEvent(message));
}

/** A line of a transfer as it is shown. */
export function toEvent({ id, status, currentBytes, totalBytes }: TransferProgress): ProgressEvent {
  return {
    status,
    ...(id !== "" && { id }),
    ...(currentBytes !== undefined && { current: Number(currentBytes) }),
    ...(totalBytes !== undefined && { total: Number(totalBytes) }),
  };
}
