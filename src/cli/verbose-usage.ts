// SPDX-License-Identifier: Apache-2.0
// What docker system df -v prints: a table for each kind of object.

import type { Container, DiskUsageResponse, ImageUsage } from "@berth/sdk";
import { imageRows } from "./commands/images.ts";
import { containerRow } from "./container-row.ts";
import type { Fields } from "./format/go-template/values.ts";
import { humanSize } from "./format/human.ts";
import { formatRows } from "./format/rows.ts";
import { volumeRow } from "./volume-row.ts";

/** The text of all tables. */
export function verboseUsage(usage: DiskUsageResponse, now: Date): string {
  return [
    "Images space usage:\n",
    table(
      usage.imageDetails.flatMap((image) => imageUsageRows(image, now)),
      "Repository Tag ID:IMAGE_ID CreatedSince:CREATED Size SharedSize:SHARED_SIZE UniqueSize:UNIQUE_SIZE Containers",
    ),
    "Containers space usage:\n",
    table(
      usage.containerDetails.map((container) => containerUsageRow(container, now)),
      "ID:CONTAINER_ID Image Command LocalVolumes:LOCAL_VOLUMES Size RunningFor:CREATED Status Names",
    ),
    "Local Volumes space usage:\n",
    table(usage.volumeDetails.map(volumeRow), "Name:VOLUME_NAME Links Size"),
    "Build cache usage: 0B\n",
  ].join("\n");
}

/** columns: fields with their headers, where those are not the fields in capitals. */
function table(rows: readonly Fields[], columns: string): string {
  const headers = Object.fromEntries(
    columns.split(" ").map((column) => {
      const [field = "", header = field.toUpperCase()] = column.split(":");
      return [field, header.replaceAll("_", " ")];
    }),
  );
  const fields = Object.keys(headers).map((field) => `{{.${field}}}`);
  return formatRows(rows, "", {
    typeName: "*formatter.diskUsageContext",
    headers,
    defaultFormat: `table ${fields.join("\t")}`,
  });
}

function imageUsageRows({ image, sizeBytes, sharedBytes }: ImageUsage, now: Date): readonly Fields[] {
  if (image === undefined) return [];
  return imageRows(image, { full: false, digests: false, now }).map((row) => ({
    ...row,
    Size: humanSize(Number(sizeBytes)),
    SharedSize: humanSize(Number(sharedBytes)),
    UniqueSize: humanSize(Number(sizeBytes - sharedBytes)),
  }));
}

function containerUsageRow(container: Container, now: Date): Fields {
  const volumes = container.mounts.filter(({ type }) => type === "volume");
  return {
    ...containerRow(container, { full: false, now }),
    LocalVolumes: String(volumes.length),
    Size: humanSize(Number(container.sizeRwBytes ?? 0n)),
  };
}
