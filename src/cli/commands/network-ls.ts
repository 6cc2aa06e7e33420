// SPDX-License-Identifier: Apache-2.0

import type { Network } from "@berth/sdk";
import { defineCommand } from "../command.ts";
import type { Fields } from "../format/go-template/values.ts";
import { formatRows, type RowFormat } from "../format/rows.ts";
import { shortId } from "../format/text.ts";
import { filterFlag, filterRequest, formatFlag, noTruncFlag, quietFlag } from "../list-flags.ts";

export const command = defineCommand({
  usage: "network ls [OPTIONS]",
  description: "List networks",
  flags: { filter: filterFlag, format: formatFlag, "no-trunc": noTruncFlag, quiet: quietFlag },
  arguments: { minimum: 0, maximum: 0 },
  async run({ flags }, context) {
    const filters = filterRequest(flags.filter);
    const networks = await context.client().networks.list({ filters, signal: context.signal });
    const rows = networks.map((network) => networkRow(network, { full: flags["no-trunc"] }));
    const format = flags.quiet ? "" : (flags.format ?? "");
    context.stdout.write(formatRows(rows, format, networkFormat({ quiet: flags.quiet })));
    return 0;
  },
});

function networkFormat({ quiet }: { readonly quiet: boolean }): RowFormat {
  return {
    typeName: "*formatter.networkContext",
    headers: {
      ID: "NETWORK ID",
      Name: "NAME",
      Driver: "DRIVER",
      Scope: "SCOPE",
      IPv4: "IPV4",
      IPv6: "IPV6",
      Internal: "INTERNAL",
      Labels: "LABELS",
    },
    defaultFormat: quiet ? "{{.ID}}" : "table {{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.Scope}}",
  };
}

function networkRow({ id, name, driver, subnets }: Network, { full }: { readonly full: boolean }): Fields {
  return {
    Driver: driver,
    ID: full ? id : shortId(id),
    IPv4: String(subnets.some((subnet) => !subnet.includes(":"))),
    IPv6: String(subnets.some((subnet) => subnet.includes(":"))),
    Internal: "false",
    Label: () => "",
    Labels: "",
    Name: name,
    Scope: "local",
  };
}
