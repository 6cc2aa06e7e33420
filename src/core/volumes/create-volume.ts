// SPDX-License-Identifier: Apache-2.0
// Makes a volume because somebody asked for it by itself.

import { EngineError } from "../../base/errors.ts";
import type { VolumeRecord } from "./volume.ts";
import type { VolumeService } from "./volume-service.ts";

export interface CreateVolumeRequest {
  /** undefined for an anonymous one. */
  readonly name: string | undefined;
  /** "" for the only one. */
  readonly driver: string;
  readonly options: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
}

/** One that is there already is answered with as it is, as Docker does. */
export async function createVolume(volumes: VolumeService, request: CreateVolumeRequest): Promise<VolumeRecord> {
  const { name, driver, options, labels } = request;
  if (driver !== "" && driver !== volumes.driverId) {
    throw new EngineError(
      "not-found",
      `error looking up volume plugin ${driver}: there is only the driver ${volumes.driverId}`,
    );
  }
  const [option] = Object.keys(options);
  if (option !== undefined) {
    throw new EngineError(
      "not-implemented",
      `create ${name ?? "volume"}: option ${JSON.stringify(option)} is not known: volumes are plain directories, bind another place with --mount type=bind`,
    );
  }
  return (await volumes.ensure(name, { labels })).volume;
}
