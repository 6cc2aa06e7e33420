// SPDX-License-Identifier: Apache-2.0

import type { Volume } from "@berth/sdk";
import type { Fields } from "./format/go-template/values.ts";
import { humanSize } from "./format/human.ts";
import type { RowFormat } from "./format/rows.ts";
import { formatLabels } from "./format/text.ts";

/** How volumes are listed. */
export function volumeFormat({ quiet }: { readonly quiet: boolean }): RowFormat {
  return {
    typeName: "*formatter.volumeContext",
    headers: {
      Name: "VOLUME NAME",
      Driver: "DRIVER",
      Scope: "SCOPE",
      Mountpoint: "MOUNTPOINT",
      Labels: "LABELS",
      Links: "LINKS",
      Size: "SIZE",
    },
    defaultFormat: quiet ? "{{.Name}}" : "table {{.Driver}}\t{{.Name}}",
  };
}

/** The fields that a template may use. */
export function volumeRow(volume: Volume): Fields {
  return {
    Driver: volume.driver,
    Label: (name: string) => volume.labels[name] ?? "",
    Labels: formatLabels(volume.labels),
    Links: String(volume.usedBy.length),
    Mountpoint: volume.mountpoint,
    Name: volume.name,
    Scope: "local",
    Size: volume.sizeBytes === undefined ? "N/A" : humanSize(Number(volume.sizeBytes)),
  };
}
