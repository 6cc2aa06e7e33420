// SPDX-License-Identifier: Apache-2.0

import { defineCommand } from "../command.ts";
import { UsageError } from "../errors.ts";
import { text } from "../flags.ts";
import { type InspectKind, inspectFormatFlag, inspectObjects, inspectSizeFlag } from "../inspect/inspect-objects.ts";

export const command = defineCommand({
  usage: "inspect [OPTIONS] NAME|ID [NAME|ID...]",
  description: "Return low-level information on objects",
  flags: {
    format: inspectFormatFlag,
    size: inspectSizeFlag,
    type: text('Only inspect objects of the given type ("container", "image", "network", "volume", "sandbox": a pod)'),
  },
  arguments: { minimum: 1 },
  async run({ flags: { format, size, type = "" }, args }, context) {
    return await inspectObjects(context, { kinds: kindsOf(type), names: args, format, size });
  },
});

const kinds: readonly InspectKind[] = ["container", "image", "network", "volume", "sandbox"];

function kindsOf(type: string): readonly InspectKind[] {
  if (type === "") return kinds;
  const kind = kinds.find((known) => known === type);
  if (kind !== undefined) return [kind];
  throw new UsageError(
    `unknown type: ${JSON.stringify(type)}: must be one of "container", "image", "network", "volume", "sandbox"`,
  );
}
