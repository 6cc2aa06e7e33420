// SPDX-License-Identifier: Apache-2.0

import type { Pod } from "@berth/sdk";
import { defineCommand } from "../command.ts";
import type { Fields } from "../format/go-template/values.ts";
import { humanAge } from "../format/human.ts";
import { formatRows, type RowFormat } from "../format/rows.ts";
import { formatLabels, shortId } from "../format/text.ts";
import { filterFlag, filterRequest, formatFlag, noTruncFlag, quietFlag } from "../list-flags.ts";
import { formatCreatedAt, toDate } from "../times.ts";

/** As crictl pods: all of them, whatever their state. */
export const command = defineCommand({
  usage: "pods [OPTIONS]",
  description: "List pods: what an orchestrator such as Kubernetes runs here, also those that are not ready",
  flags: { filter: filterFlag, format: formatFlag, "no-trunc": noTruncFlag, quiet: quietFlag },
  arguments: { minimum: 0, maximum: 0 },
  async run({ flags }, context) {
    const pods = await context.client().pods.list({ filters: filterRequest(flags.filter), signal: context.signal });
    const rows = pods.map((pod) => podRow(pod, { full: flags["no-trunc"], now: new Date() }));
    const format = flags.quiet ? "" : (flags.format ?? "");
    context.stdout.write(formatRows(rows, format, podFormat({ quiet: flags.quiet })));
    return 0;
  },
});

export function podFormat({ quiet }: { readonly quiet: boolean }): RowFormat {
  return {
    typeName: "*formatter.PodContext",
    headers: {
      ID: "POD ID",
      CreatedAt: "CREATED AT",
      CreatedSince: "CREATED",
      State: "STATE",
      Name: "NAME",
      Namespace: "NAMESPACE",
      UID: "UID",
      Attempt: "ATTEMPT",
      Runtime: "RUNTIME",
      IP: "IP",
      Containers: "CONTAINERS",
      Labels: "LABELS",
    },
    defaultFormat: quiet
      ? "{{.ID}}"
      : "table {{.ID}}\t{{.CreatedSince}}\t{{.State}}\t{{.Name}}\t{{.Namespace}}\t{{.Attempt}}\t{{.Runtime}}\t{{.IP}}",
  };
}

/** The fields that a template may use. */
export function podRow(pod: Pod, { full, now }: { readonly full: boolean; readonly now: Date }): Fields {
  const created = toDate(pod.createdAt) ?? now;
  const [address = ""] = pod.addresses;
  return {
    Attempt: String(pod.attempt),
    Containers: String(pod.containers.length),
    CreatedAt: formatCreatedAt(created),
    CreatedSince: humanAge(created, now),
    ID: full ? pod.id : shortId(pod.id),
    IP: address,
    Label: (name: string) => pod.labels[name] ?? "",
    Labels: formatLabels(pod.labels),
    Name: pod.name,
    Namespace: pod.namespace,
    Runtime: pod.runtimeHandler,
    State: pod.state === "ready" ? "Ready" : "NotReady",
    UID: pod.uid,
  };
}
