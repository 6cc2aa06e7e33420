// SPDX-License-Identifier: Apache-2.0
// Whether a runtime handler can run here, found out by trying: an empty container whose command does not exist. A runtime
// that complains of the missing command has made namespaces, mounts and cgroups; any other complaint is the reason why it
// cannot run here (crun, say, refuses hybrid cgroup trees).

import { randomUUID } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { release } from "node:os";
import { join } from "node:path";
import { failedPrecondition } from "../../../base/errors.ts";
import { cleanup } from "../../../base/lifetime.ts";
import type { RuntimeFeatures, RuntimeHandler } from "../../../core/tasks/task-runtime.ts";
import { findExecutable } from "../../../host/find-executable.ts";
import { run } from "./run.ts";
import type { ShimEnvironment } from "./shim.ts";
import { removeTaskCgroup } from "./task-cgroup.ts";

/** What a shim can do whose OCI runtime, if it has one, cannot be asked. */
const leastOciVersion = "1.0.2";
const missingCommand = "/berth-probe";

/** Fails with failed-precondition and the reason when the handler cannot run here. */
export async function probeHandler(
  handler: RuntimeHandler,
  environment: ShimEnvironment,
  { signal }: { readonly signal: AbortSignal },
): Promise<RuntimeFeatures> {
  try {
    const shim = findExecutable(handler.shim);
    if (handler.binary === undefined) {
      const { stdout } = await run(shim, ["-v"], { signal });
      const version = /version:?\s*(\S+)/i.exec(stdout)?.[1] ?? "";
      return { name: handler.name, version, ociVersion: leastOciVersion, seccomp: false };
    }
    const binary = findExecutable(handler.binary);
    const [features] = await Promise.all([
      readFeatures(binary, signal),
      tryContainer(binary, handler, environment, signal),
    ]);
    return features;
  } catch (error) {
    signal.throwIfAborted();
    const text = error instanceof Error ? error.message : String(error);
    throw failedPrecondition(`runtime handler ${handler.name} cannot run here: ${text}`, error);
  }
}

/** What the runtime says of itself: "features" (OCI runtime spec, features.md) where it has that, else "--version". */
async function readFeatures(binary: string, signal: AbortSignal): Promise<RuntimeFeatures> {
  const [version, features] = await Promise.all([
    run(binary, ["--version"], { signal }),
    run(binary, ["features"], { signal }),
  ]);
  if (version.status !== 0) throw failedPrecondition(`${binary} --version: ${version.stderr.trim()}`);
  const [, name = "", number = ""] = /^(\S+) version (\S+)/m.exec(version.stdout) ?? [];
  const fallback = {
    name,
    version: number,
    ociVersion: /^spec: (\S+)/m.exec(version.stdout)?.[1] ?? leastOciVersion,
    seccomp: /\+SECCOMP\b|^libseccomp:/m.test(version.stdout),
  };
  if (features.status !== 0) return { ...fallback, ...knownFeatures(name, number, release()) };
  return { ...fallback, ...parseFeatures(features.stdout, release()) };
}

/** Of runtimes that came before "features": crun makes binds recursively read-only since 1.4. */
export function knownFeatures(name: string, version: string, kernelRelease: string): ReportedFeatures {
  const [major = 0, minor = 0] = version.split(".").map((part) => Number.parseInt(part, 10));
  const isNew = name === "crun" && (major > 1 || (major === 1 && minor >= 4));
  return isNew ? { recursiveReadOnly: hasMountSetattr(kernelRelease) } : {};
}

type ReportedFeatures = Partial<
  Pick<RuntimeFeatures, "ociVersion" | "seccomp" | "recursiveReadOnly" | "idMappedMounts">
>;

/** What the document that "features" prints says, on a kernel of this release. */
export function parseFeatures(text: string, kernelRelease: string): ReportedFeatures {
  try {
    const document = JSON.parse(text) as {
      readonly ociVersionMax?: unknown;
      readonly mountOptions?: unknown;
      readonly linux?: {
        readonly seccomp?: { readonly enabled?: unknown };
        readonly mountExtensions?: { readonly idmap?: { readonly enabled?: unknown } };
      };
    };
    const { ociVersionMax, mountOptions } = document;
    const enabled = document.linux?.seccomp?.enabled;
    return {
      ...(typeof ociVersionMax === "string" ? { ociVersion: ociVersionMax } : {}),
      ...(typeof enabled === "boolean" ? { seccomp: enabled } : {}),
      ...(document.linux?.mountExtensions?.idmap?.enabled === true && hasMountSetattr(kernelRelease)
        ? { idMappedMounts: true }
        : {}),
      ...(Array.isArray(mountOptions)
        ? { recursiveReadOnly: mountOptions.includes("rro") && hasMountSetattr(kernelRelease) }
        : {}),
    };
  } catch {
    return {}; // not a document: what --version says stands
  }
}

/** mount_setattr(2), which rro needs, is there since Linux 5.12. */
function hasMountSetattr(kernelRelease: string): boolean {
  const [major = 0, minor = 0] = kernelRelease.split(".").map((part) => Number.parseInt(part, 10));
  return major > 5 || (major === 5 && minor >= 12);
}

async function tryContainer(
  binary: string,
  handler: RuntimeHandler,
  { layout, cgroups }: ShimEnvironment,
  signal: AbortSignal,
): Promise<void> {
  const id = `probe-${randomUUID()}`;
  // Under systemd a cgroup is a unit's name in a slice.
  const cgroupsPath = handler.systemdCgroup ? `system.slice:berth:${id}` : `/${id}`;
  const directory = await mkdtemp(join(layout.state, "probe-"));
  try {
    // Directories that runtimes want to find, whatever is mounted there.
    for (const name of ["dev", "proc", "sys"]) await mkdir(join(directory, "rootfs", name), { recursive: true });
    const namespaces = ["pid", "mount", "ipc", "uts", "network"].map((type) => ({ type }));
    const config = {
      ociVersion: "1.0.0",
      process: { user: { uid: 0, gid: 0 }, args: [missingCommand], env: [], cwd: "/" },
      root: { path: "rootfs" },
      mounts: [{ destination: "/proc", type: "proc", source: "proc" }],
      linux: { cgroupsPath, namespaces },
    };
    await writeFile(join(directory, "config.json"), JSON.stringify(config));
    const global = ["--root", join(directory, "root"), ...(handler.systemdCgroup ? ["--systemd-cgroup"] : [])];
    const { stdout, stderr } = await run(binary, [...global, "run", "--bundle", directory, id], { signal });
    const complaint = `${stdout}\n${stderr}`.trim();
    if (!complaint.includes(missingCommand)) throw failedPrecondition(complaint || "it ended without a word");
  } finally {
    await cleanup(async (cleanupSignal) => {
      await removeTaskCgroup(cgroups, { id, cgroupsPath }, { signal: cleanupSignal });
      await rm(directory, { recursive: true, force: true });
    });
  }
}
