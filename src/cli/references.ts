// SPDX-License-Identifier: Apache-2.0
// What the command must know of an image reference itself: its registry, and whether it names a tag. Everything else
// about references is the daemon's business.

const hub = "docker.io";

/** The registry's host: the first component when it looks like one, else Docker Hub. */
export function registryOf(reference: string): string {
  const slash = reference.indexOf("/");
  if (slash === -1) return hub;
  const first = reference.slice(0, slash);
  const isHost = /[.:]/.test(first) || first === "localhost" || first !== first.toLowerCase();
  if (!isHost || first === "index.docker.io") return hub;
  return first;
}

/** Whether there is a tag or a digest. */
export function isTagged(reference: string): boolean {
  return reference.includes("@") || reference.slice(reference.lastIndexOf("/") + 1).includes(":");
}

/** With ":latest" when there is neither tag nor digest. */
export function withDefaultTag(reference: string): string {
  return isTagged(reference) ? reference : `${reference}:latest`;
}
