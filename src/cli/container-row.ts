// SPDX-License-Identifier: Apache-2.0
// A container as a row of ps.

import type { Container } from "@berth/sdk";
import type { Fields } from "./format/go-template/values.ts";
import { type ContainerStatus, humanAge, humanSize, humanStatus } from "./format/human.ts";
import { formatPorts, type Port } from "./format/ports.ts";
import type { RowFormat } from "./format/rows.ts";
import { ellipsis, formatCommand, formatLabels, shortId } from "./format/text.ts";
import { networkName } from "./network-names.ts";
import { formatCreatedAt, toDate } from "./times.ts";

const maximumMountWidth = 15;
const podColumns = "\t{{.Pod}}\t{{.PodNamespace}}";

/**
 * What ps prints: sizes are a column of their own when they were asked for, and pods when one of the containers is in
 * one. Docker's columns stay where they are, for the scripts that read them.
 */
export function containerFormat({
  quiet,
  size,
  pods = false,
}: {
  readonly quiet: boolean;
  readonly size: boolean;
  readonly pods?: boolean;
}): RowFormat {
  const columns = "{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}";
  return {
    typeName: "*formatter.ContainerContext",
    headers: {
      ID: "CONTAINER ID",
      Names: "NAMES",
      Image: "IMAGE",
      Command: "COMMAND",
      CreatedAt: "CREATED AT",
      RunningFor: "CREATED",
      Ports: "PORTS",
      State: "STATE",
      Status: "STATUS",
      Size: "SIZE",
      Labels: "LABELS",
      Mounts: "MOUNTS",
      LocalVolumes: "LOCAL VOLUMES",
      Networks: "NETWORKS",
      Pod: "POD",
      PodID: "POD ID",
      PodNamespace: "NAMESPACE",
    },
    defaultFormat: quiet ? "{{.ID}}" : `table ${columns}${size ? "\t{{.Size}}" : ""}${pods ? podColumns : ""}`,
  };
}

/** The fields that a template may use. */
export function containerRow(
  container: Container,
  { full, now }: { readonly full: boolean; readonly now: Date },
): Fields {
  const created = toDate(container.createdAt) ?? now;
  return {
    Command: formatCommand(container.arguments, { full }),
    CreatedAt: formatCreatedAt(created),
    ID: full ? container.id : shortId(container.id),
    Image: imageName(container, full),
    Label: (name: string) => container.labels[name] ?? "",
    Labels: formatLabels(container.labels),
    LocalVolumes: String(container.mounts.filter(({ type }) => type === "volume").length),
    Mounts: container.mounts
      .map(({ name, source, destination }) => name || source || destination)
      .map((mount) => (full ? mount : ellipsis(mount, maximumMountWidth)))
      .join(","),
    Names: container.name,
    Networks: networksOf(container),
    Pod: container.pod?.name ?? "",
    PodID: full ? (container.pod?.id ?? "") : shortId(container.pod?.id ?? ""),
    PodNamespace: container.pod?.namespace ?? "",
    Ports: formatPorts(portsOf(container)),
    RunningFor: humanAge(created, now),
    Size: sizeOf(container),
    State: container.state?.status ?? "",
    Status: statusOf(container, now),
  };
}

/** What the user asked for, of whom or of an orchestrator; the image's short id when that was an id. */
function imageName({ config, imageId, pod }: Container, full: boolean): string {
  const name = pod?.userSpecifiedImage || (config?.image ?? "");
  if (name === "") return "<no image>";
  return !full && imageId.replace(/^sha256:/, "").startsWith(name.replace(/^sha256:/, "")) ? shortId(imageId) : name;
}

function networksOf(container: Container): string {
  const names = container.networks.map((attachment) => networkName(container, attachment));
  return names.join(",") || (container.config?.networkMode ?? "");
}

function portsOf(container: Container): readonly Port[] {
  if (container.state?.status !== "running" && container.state?.status !== "paused") return [];
  const published = container.ports.map(({ hostIp, hostPort, containerPort, protocol }) => ({
    containerPort,
    protocol,
    hostAddress: hostIp === "" ? "0.0.0.0" : hostIp,
    hostPort,
  }));
  const names = new Set(published.map(({ containerPort, protocol }) => `${containerPort}/${protocol}`));
  const exposed = container.exposedPorts
    .filter((port) => !names.has(port))
    .map((port) => port.split("/"))
    .map(([port = "", protocol = "tcp"]) => ({ containerPort: Number(port), protocol }));
  return [...published, ...exposed];
}

function sizeOf({ sizeRwBytes, sizeRootBytes }: Container): string {
  if (sizeRwBytes === undefined) return "0B";
  const size = humanSize(Number(sizeRwBytes), 3);
  return sizeRootBytes === undefined ? size : `${size} (virtual ${humanSize(Number(sizeRootBytes), 3)})`;
}

function statusOf({ state }: Container, now: Date): string {
  if (state === undefined) return "";
  const [startedAt, finishedAt] = [toDate(state.startedAt), toDate(state.finishedAt)];
  return humanStatus(
    {
      state: state.status as ContainerStatus["state"],
      exitCode: state.exitCode,
      ...(startedAt !== undefined && { startedAt }),
      ...(finishedAt !== undefined && { finishedAt }),
    },
    now,
  );
}
