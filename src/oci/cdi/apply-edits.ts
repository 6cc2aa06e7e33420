// SPDX-License-Identifier: Apache-2.0
// A runtime specification with the edits of devices.

import { defined } from "../../base/defined.ts";
import { failedPrecondition } from "../../base/errors.ts";
import { cleanPath } from "../../base/parse/clean-path.ts";
import type { RuntimeDevice, RuntimeHooks, RuntimeMount, RuntimeSpec } from "../runtime/spec.ts";
import type { CdiDeviceNode, CdiMount, ContainerEdits } from "./document.ts";

/** A device file with all that a runtime needs to make it. */
export interface CompleteDeviceNode extends CdiDeviceNode {
  readonly type: NonNullable<CdiDeviceNode["type"]>;
}

/** Edits whose device files have been looked up on the host. */
export type CompleteEdits = Omit<ContainerEdits, "deviceNodes"> & {
  readonly deviceNodes: readonly CompleteDeviceNode[];
};

/** failed-precondition for what the runtime's version of the specification has no place for. */
export function applyEdits(spec: RuntimeSpec, edits: CompleteEdits): RuntimeSpec {
  const { process } = spec;
  const user = { ...process.user, additionalGids: withGids(process.user.additionalGids, edits.additionalGids) };
  const hooks = withHooks(spec.hooks ?? {}, edits);
  return {
    ...spec,
    process: { ...process, env: withVariables(process.env, edits.environment), user },
    mounts: withMounts(spec, edits.mounts),
    ...(Object.keys(hooks).length > 0 && { hooks }),
    linux: withLinux(spec, edits),
  };
}

function withLinux(spec: RuntimeSpec, { deviceNodes, netDevices, intelRdt }: CompleteEdits): RuntimeSpec["linux"] {
  const { linux, process } = spec;
  if (netDevices.length > 0 && !/^(1\.([3-9]|\d\d)|[2-9])/.test(spec.ociVersion)) {
    throw failedPrecondition(
      `cannot move network interfaces into the container: its runtime takes version ${spec.ociVersion} of the runtime specification, and 1.3 is needed`,
    );
  }
  const moved = Object.fromEntries(netDevices.map(({ hostInterfaceName, name }) => [hostInterfaceName, { name }]));
  const paths = new Set(deviceNodes.map(({ path }) => path));
  const rules = deviceNodes.flatMap(({ type, major, minor, permissions = "rwm" }) =>
    (type === "b" || type === "c") && permissions !== "none"
      ? [{ allow: true, type, ...defined({ major, minor }), access: permissions } as const]
      : [],
  );
  return {
    ...linux,
    ...(deviceNodes.length > 0 && {
      devices: [
        ...(linux.devices ?? []).filter(({ path }) => !paths.has(path)),
        ...deviceNodes.map((node) => toDevice(node, process.user)),
      ],
      resources: { ...linux.resources, devices: [...(linux.resources?.devices ?? []), ...rules] },
    }),
    ...(netDevices.length > 0 && { netDevices: { ...linux.netDevices, ...moved } }),
    ...(intelRdt !== undefined && { intelRdt }),
  };
}

/** Whose owner nobody named belongs to whoever the container runs as. */
function toDevice(node: CompleteDeviceNode, user: RuntimeSpec["process"]["user"]): RuntimeDevice {
  const { type, path, major, minor, fileMode } = node;
  const uid = node.uid ?? (user.uid || undefined);
  const gid = node.gid ?? (user.gid || undefined);
  return { type, path, ...defined({ major, minor, fileMode, uid, gid }) };
}

/** A name that is there keeps its place. */
function withVariables(before: readonly string[], added: readonly string[]): readonly string[] {
  const byName = new Map([...before, ...added].map((entry) => [entry.split("=", 1)[0], entry]));
  return [...byName.values()];
}

function withGids(before: readonly number[] | undefined, added: readonly number[]): readonly number[] {
  return [...new Set([...(before ?? []), ...added.filter((gid) => gid !== 0)])];
}

function withHooks(before: RuntimeHooks, { hooks }: CompleteEdits): RuntimeHooks {
  return hooks.reduce<RuntimeHooks>(
    (all, { stage, ...hook }) => ({ ...all, [stage]: [...(all[stage] ?? []), hook] }),
    before,
  );
}

/** One at a place; shallow ones are made before those below them. */
function withMounts(spec: RuntimeSpec, added: readonly CdiMount[]): readonly RuntimeMount[] {
  if (added.length === 0) return spec.mounts;
  const isRemapped = spec.linux.namespaces.some(({ type }) => type === "user");
  const byTarget = new Map(spec.mounts.map((mount) => [cleanPath(mount.destination), mount]));
  for (const { hostPath, containerPath, type, options } of added) {
    const mount = { destination: containerPath, source: hostPath, ...bindIfNothing(type, options) };
    byTarget.delete(cleanPath(containerPath));
    byTarget.set(cleanPath(containerPath), isRemapped ? withOwners(mount) : mount);
  }
  const depth = ({ destination }: RuntimeMount) => cleanPath(destination).split("/").length;
  return [...byTarget.values()].toSorted((left, right) => depth(left) - depth(right));
}

/** A mount of no type is a bind also when its options do not say so: nothing else could be meant. */
function bindIfNothing(type: string | undefined, options: readonly string[]): Pick<RuntimeMount, "type" | "options"> {
  if (type !== undefined) return { type, options };
  const isBind = options.some((option) => option === "bind" || option === "rbind");
  return { type: "bind", options: isBind ? options : ["rbind", ...options] };
}

/** What is bound into a user namespace belongs to the same ids there. */
function withOwners(mount: RuntimeMount): RuntimeMount {
  const options = mount.options ?? [];
  if (options.some((option) => option === "idmap" || option === "ridmap")) return mount;
  if (options.includes("rbind")) return { ...mount, options: [...options, "ridmap"] };
  return mount.type === "bind" || options.includes("bind") ? { ...mount, options: [...options, "idmap"] } : mount;
}
