// SPDX-License-Identifier: Apache-2.0
// Pods and their containers as hooks see them.

import type { RuntimeNamespace, RuntimeSpec } from "../../../oci/runtime/spec.ts";
import type { ContainerRecord } from "../../containers/container.ts";
import type { ContainerConfig } from "../../containers/container-config.ts";
import { buildResources } from "../../containers/spec/resources.ts";
import type {
  ContainerView,
  HookContainerState,
  ImageView,
  PodView,
  SeccompProfileView,
} from "../../hooks/hook-views.ts";
import type { PodRecord } from "../../sandboxes/sandbox.ts";
import type { Engine } from "../engine.ts";
import { containerReason } from "./container-reason.ts";

export function podView(engine: Engine, record: PodRecord): PodView {
  const { config, handler, pid } = record.pod;
  const { metadata } = config;
  const limits = (asked: typeof config.overhead) =>
    asked === undefined ? undefined : buildResources(asked, engine.host);
  const [overhead, resources] = [limits(config.overhead), limits(config.resources)];
  return {
    id: record.id,
    name: metadata.name,
    uid: metadata.uid,
    namespace: metadata.namespace,
    labels: config.labels,
    annotations: config.annotations,
    runtimeHandler: handler,
    cgroupParent: config.cgroupParent,
    pid,
    ips: podAddresses(record),
    namespaces: namespacesOf(record),
    createdAt: record.createdAt,
    stopped: isTakenDown(record),
    ...(overhead !== undefined && { overhead }),
    ...(resources !== undefined && { resources }),
  };
}

function isTakenDown({ status, namespaces, networks }: PodRecord): boolean {
  return status === "not-ready" && Object.keys(namespaces).length === 0 && networks.length === 0;
}

/** Without their prefix lengths; none with the host's network. */
export function podAddresses(record: PodRecord): readonly string[] {
  return record.attachments.flatMap(({ addresses }) => addresses.map(({ address }) => address.replace(/\/.*/, "")));
}

function namespacesOf({ namespaces, pod }: PodRecord): readonly RuntimeNamespace[] {
  return [
    ...Object.entries(namespaces).map(([type, path]) => ({ type: type as keyof typeof namespaces, path })),
    ...(pod.pid === 0 || pod.config.pid !== "pod" ? [] : [{ type: "pid" as const, path: `/proc/${pod.pid}/ns/pid` }]),
  ];
}

/** spec: what it was or will be created with, when that is at hand. */
export function containerView(
  engine: Engine,
  record: ContainerRecord,
  { spec = engine.registry.findSpec(record.id) }: { readonly spec?: RuntimeSpec | undefined } = {},
): ContainerView {
  const { state, config } = record;
  const image = imageView(engine, record);
  return {
    id: record.id,
    podId: record.sandboxId,
    name: record.pod?.name ?? record.name,
    state: hookState(record),
    labels: config.labels,
    annotations: config.annotations,
    ...(spec !== undefined && { spec }),
    pid: state.pid,
    createdAt: record.createdAt,
    ...(state.startedAt !== undefined && { startedAt: state.startedAt }),
    ...(state.finishedAt !== undefined && {
      finishedAt: state.finishedAt,
      exitCode: state.exitCode,
      reason: containerReason(record),
      message: state.error,
    }),
    seccompProfile: { type: seccompType(config) },
    ...(config.cdiDevices !== undefined && { cdiDevices: config.cdiDevices }),
    ...(image !== undefined && { image }),
  };
}

function hookState({ state }: ContainerRecord): HookContainerState {
  if (state.finishedAt !== undefined && state.status !== "running") return "stopped";
  return state.status === "exited" || state.status === "dead" ? "stopped" : state.status;
}

/** The last option counts; the name of a profile of the host's is not kept. */
function seccompType({ privileged, securityOptions }: ContainerConfig): SeccompProfileView["type"] {
  const option = securityOptions.findLast((each) => each.startsWith("seccomp="));
  if (option === "seccomp=unconfined" || (option === undefined && privileged)) return "unconfined";
  return option === undefined || option === "seccomp=builtin" ? "runtime-default" : "localhost";
}

function imageView(engine: Engine, { config, imageId }: ContainerRecord): ImageView | undefined {
  const image = engine.images.find(imageId);
  if (image === undefined) return undefined;
  return { name: image.names[0] ?? config.image, digest: image.target.digest, configDigest: imageId };
}
