// SPDX-License-Identifier: Apache-2.0
// Platforms (image-index.md, "platform") in Go's names, and which image of an index suits a machine best. A variant that
// every machine of the architecture has (amd64/v1, arm64/v8) is the same as none.

import { EngineError, invalidArgument } from "../../base/errors.ts";
import type { Descriptor, Platform } from "./descriptor.ts";
import type { Index } from "./documents.ts";

const attestationAnnotation = "vnd.docker.reference.type";
const platformPart = /^[A-Za-z0-9_.-]+$/;

const architectureAliases: Readonly<Record<string, readonly [architecture: string, variant?: string]>> = {
  i386: ["386"],
  x86_64: ["amd64"],
  "x86-64": ["amd64"],
  aarch64: ["arm64"],
  armhf: ["arm", "v7"],
  armel: ["arm", "v6"],
};

const nodeArchitectures: Readonly<Record<string, string>> = {
  ia32: "386",
  loong64: "loong64",
  ppc64: "ppc64le",
  x64: "amd64",
};

/** The same platform in canonical names: x86_64 is amd64, aarch64 is arm64, arm without a variant is arm/v7. */
export function normalizePlatform(platform: Platform): Platform {
  const [architecture, impliedVariant] = aliasOf(platform.architecture.toLowerCase());
  const given = platform.variant?.toLowerCase();
  const variant = canonicalVariant(architecture, given === undefined || given === "" ? impliedVariant : given);
  const { variant: _variant, ...rest } = platform;
  return {
    ...rest,
    os: platform.os.toLowerCase(),
    architecture,
    ...(variant !== undefined && { variant }),
  };
}

/** Reads "linux/arm64/v8", "linux/amd64" or "arm64" (of linux); invalid-argument otherwise. */
export function parsePlatform(text: string): Platform {
  const parts = text.split("/");
  if (parts.length > 3 || !parts.every((part) => platformPart.test(part))) {
    throw invalidArgument(
      `invalid platform ${JSON.stringify(text)}: expected os/architecture or os/architecture/variant`,
    );
  }
  const [first = "", second, variant] = parts;
  if (second === undefined) return normalizePlatform({ os: "linux", architecture: first });
  return normalizePlatform({ os: first, architecture: second, ...(variant !== undefined && { variant }) });
}

/** "linux/arm/v7". */
export function formatPlatform({ os, architecture, variant }: Platform): string {
  return [os, architecture, ...(variant === undefined ? [] : [variant])].join("/");
}

/** The platform of a Linux machine of this architecture, in Node's name for it (process.arch). */
export function hostPlatform(architecture: string): Platform {
  return normalizePlatform({ os: "linux", architecture: nodeArchitectures[architecture] ?? architecture });
}

/** Whether an image for `candidate` runs on a machine of the `wanted` platform. */
export function matchPlatform(wanted: Platform, candidate: Platform): boolean {
  return rankOf(wanted, candidate) !== undefined;
}

/**
 * The entry of the index that suits the platform best: the nearest variant first, then a compatible older architecture,
 * last an entry that names no platform. Attestations and entries for unknown platforms are never chosen; not-found when
 * nothing is left.
 */
export function selectManifest(index: Index, platform: Platform): Descriptor {
  let best: { readonly descriptor: Descriptor; readonly rank: number } | undefined;
  for (const descriptor of index.manifests) {
    if (isAttestation(descriptor)) continue;
    const rank = descriptor.platform === undefined ? Number.MAX_SAFE_INTEGER : rankOf(platform, descriptor.platform);
    if (rank !== undefined && (best === undefined || rank < best.rank)) best = { descriptor, rank };
  }
  if (best !== undefined) return best.descriptor;
  throw new EngineError(
    "not-found",
    `no matching manifest for ${formatPlatform(normalizePlatform(platform))} in the manifest list entries`,
  );
}

function isAttestation({ platform, annotations }: Descriptor): boolean {
  return (
    annotations?.[attestationAnnotation] !== undefined ||
    platform?.os === "unknown" ||
    platform?.architecture === "unknown"
  );
}

/** 0 for the platform itself, more for what is further away, undefined for what cannot run. */
function rankOf(wanted: Platform, candidate: Platform): number | undefined {
  const machine = normalizePlatform(wanted);
  const image = normalizePlatform(candidate);
  if (machine.os !== image.os) return undefined;
  const rank = compatible(machine).indexOf(`${image.architecture}/${image.variant ?? ""}`);
  return rank < 0 ? undefined : rank;
}

/** What a machine runs, best first, as "architecture/variant". */
function compatible({ architecture, variant }: Platform): readonly string[] {
  const level = Number(/^v(\d+)/.exec(variant ?? "")?.[1] ?? 0);
  const downTo = (name: string, from: number, to: number) =>
    Array.from({ length: Math.max(0, from - to + 1) }, (_, step) => `${name}/v${from - step}`);
  switch (architecture) {
    case "amd64":
      return [...downTo("amd64", level, 2), "amd64/", "386/"];
    case "arm64":
      return [...(variant === undefined ? [] : [`arm64/${variant}`]), "arm64/", ...downTo("arm", 8, 5)];
    case "arm":
      return downTo("arm", level, 5);
    default:
      return [`${architecture}/${variant ?? ""}`, `${architecture}/`];
  }
}

function aliasOf(architecture: string): readonly [architecture: string, variant?: string] {
  return architectureAliases[architecture] ?? [architecture];
}

function canonicalVariant(architecture: string, variant: string | undefined): string | undefined {
  const prefixed = variant !== undefined && /^\d/.test(variant) ? `v${variant}` : variant;
  if (architecture === "arm") return prefixed ?? "v7";
  if (architecture === "arm64" && (prefixed === "v8" || prefixed === "v8.0")) return undefined;
  if (architecture === "amd64" && prefixed === "v1") return undefined;
  return prefixed;
}
