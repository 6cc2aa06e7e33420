// SPDX-License-Identifier: Apache-2.0
// Pinned images: those that the administrator wants to stay. Clean-ups leave them alone; a removal by name does not.

import { familiarName, parseReference } from "../../oci/reference/reference.ts";
import type { Image } from "./image.ts";
import { nameOf } from "./image-index.ts";

/** Whether one of the entries means the image: a reference as people write it, a name with * for any text, or an id. */
export function pinnedBy(entries: readonly string[]): (image: Pick<Image, "id" | "names" | "repoDigests">) => boolean {
  if (entries.length === 0) return () => false;
  const wanted = entries.map((entry) => (entry.includes("*") ? matcherOf(entry) : isExactly(entry)));
  return ({ id, names, repoDigests }) => {
    const texts = [id, ...[...names, ...repoDigests].flatMap((name) => [name, familiarName(parseReference(name))])];
    return wanted.some((matches) => texts.some(matches));
  };
}

function isExactly(entry: string): (text: string) => boolean {
  const name = nameOf(entry);
  return (text) => text === name || text === entry || text === `sha256:${entry}`;
}

function matcherOf(pattern: string): (text: string) => boolean {
  const [first = "", ...rest] = pattern.split("*");
  const last = rest.pop() ?? "";
  return (text) => {
    if (!text.startsWith(first)) return false;
    let end = first.length;
    for (const part of rest) {
      const found = text.indexOf(part, end);
      if (found === -1) return false;
      end = found + part.length;
    }
    return text.length - end >= last.length && text.endsWith(last);
  };
}
