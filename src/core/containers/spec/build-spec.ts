// SPDX-License-Identifier: Apache-2.0
// The runtime specification of a container: the one place where what was asked for, what the image says and what the
// host can do become one document. Pure and deterministic; the parts stand in files of their own beside this one.

import { type CapabilitySets, resolveCapabilities } from "../../../oci/runtime/capabilities.ts";
import type { RuntimeLinux, RuntimeSpec } from "../../../oci/runtime/spec.ts";
import { isOfPod } from "../container-config.ts";
import { parseSecurityOptions, type SecurityOptions } from "../security-options.ts";
import { selinuxLabels } from "../selinux-label.ts";
import { cgroupPath } from "./cgroup-path.ts";
import { buildDevices } from "./devices.ts";
import { buildMounts } from "./mounts/build-mounts.ts";
import { checkMappedUser, toRuntimeMappings } from "./mounts/id-mappings.ts";
import { buildNamespaces, checkNamespaceModes } from "./namespaces.ts";
import { ociVersionFor } from "./oci-version.ts";
import { maskedPaths, readonlyPaths } from "./paths.ts";
import { buildProcess } from "./process.ts";
import { buildResources } from "./resources.ts";
import { buildSeccomp } from "./seccomp.ts";
import type { SpecInput } from "./spec-input.ts";
import { buildSysctls } from "./sysctls.ts";

/** Shims run containers with the same value of this annotation in one process. */
const sandboxAnnotation = "io.kubernetes.cri.sandbox-id";

/** invalid-argument for what no host could do, failed-precondition for what this one cannot. */
export function buildSpec(input: SpecInput): RuntimeSpec {
  const { config, host } = input;
  checkNamespaceModes(config);
  if (input.idMappings !== undefined) checkMappedUser(input.user, input.idMappings);
  const security = parseSecurityOptions(config.securityOptions, host);
  const capabilities = resolveCapabilities({
    add: config.capabilitiesAdd,
    drop: config.capabilitiesDrop,
    ambient: config.capabilitiesAmbient ?? [],
    privileged: config.privileged,
    available: host.capabilities,
  });
  return {
    ociVersion: ociVersionFor(input.features.ociVersion),
    process: buildProcess(input, security, capabilities),
    root: { path: input.rootfsPath, readonly: config.readOnlyRoot },
    ...(input.namespaces.uts === "host" ? {} : { hostname: input.hostname }),
    mounts: buildMounts(input),
    annotations: {
      // A runtime may obey annotations; those of a pod's container come from people who may not command it.
      ...(isOfPod(config) ? {} : config.annotations),
      ...input.annotations,
      [sandboxAnnotation]: input.sandboxId,
    },
    linux: buildLinux(input, security, capabilities),
  };
}

function buildLinux(input: SpecInput, security: SecurityOptions, capabilities: CapabilitySets): RuntimeLinux {
  const { config, host, idMappings } = input;
  const { devices, rules } = buildDevices(input);
  const seccomp = buildSeccomp(input, security.seccomp, capabilities.bounding);
  const propagation = rootPropagation(input);
  const open = config.privileged || security.unconfinedPaths;
  return {
    namespaces: buildNamespaces(input.namespaces, config, host),
    // A runtime reads those of a namespace that is there from the namespace.
    ...(idMappings === undefined || input.namespaces.user !== "new"
      ? {}
      : {
          uidMappings: toRuntimeMappings(idMappings.uidMappings),
          gidMappings: toRuntimeMappings(idMappings.gidMappings),
        }),
    cgroupsPath: cgroupPath(input.id, config.cgroupParent, input.features.systemdCgroup ?? false),
    resources: { ...buildResources(config.resources, host), devices: rules },
    ...(devices.length === 0 ? {} : { devices }),
    ...(propagation === undefined ? {} : { rootfsPropagation: propagation }),
    ...(seccomp === undefined ? {} : { seccomp }),
    sysctl: buildSysctls(config),
    maskedPaths: open ? [] : (config.maskedPaths ?? maskedPaths),
    readonlyPaths: open ? [] : (config.readonlyPaths ?? readonlyPaths),
    ...(security.selinux === undefined ? {} : { mountLabel: selinuxLabels(security.selinux, input.sandboxId).mount }),
  };
}

/** A shared or slave bind works only when the container's root is one too. */
function rootPropagation(input: SpecInput): RuntimeLinux["rootfsPropagation"] {
  const modes = input.mounts.map(({ request }) => (request.type === "bind" ? (request.propagation ?? "") : ""));
  if (modes.some((mode) => mode.endsWith("shared"))) return "rshared";
  return modes.some((mode) => mode.endsWith("slave")) ? "rslave" : undefined;
}
