// SPDX-License-Identifier: Apache-2.0

import type { Image } from "@berth/sdk";
import { defineCommand } from "../command.ts";
import { toggle } from "../flags.ts";
import type { Fields } from "../format/go-template/values.ts";
import { humanAge, humanSize } from "../format/human.ts";
import { formatRows, type RowFormat } from "../format/rows.ts";
import { shortId } from "../format/text.ts";
import { filterFlag, filterRequest, formatFlag, noTruncFlag, quietFlag } from "../list-flags.ts";
import { formatCreatedAt, toDate } from "../times.ts";

const none = "<none>";

export const command = defineCommand({
  usage: "images [OPTIONS] [REPOSITORY[:TAG]]",
  description: "List images",
  flags: {
    all: toggle("Show all images (default hides intermediate images)", { short: "a" }),
    digests: toggle("Show digests"),
    filter: filterFlag,
    format: formatFlag,
    "no-trunc": noTruncFlag,
    quiet: quietFlag,
  },
  arguments: { minimum: 0, maximum: 1 },
  async run({ flags, args: [reference = ""] }, context) {
    const { quiet, digests } = flags;
    const images = await context.client().images.list({
      filters: filterRequest(flags.filter),
      reference,
      signal: context.signal,
    });
    const options = { full: flags["no-trunc"], digests, now: new Date() };
    const rows = images.flatMap((image) => imageRows(image, options));
    context.stdout.write(formatRows(rows, quiet ? "" : (flags.format ?? ""), imageFormat({ quiet, digests })));
    return 0;
  },
});

function imageFormat({ quiet, digests }: { readonly quiet: boolean; readonly digests: boolean }): RowFormat {
  const digest = digests ? "\t{{.Digest}}" : "";
  return {
    typeName: "*formatter.imageContext",
    headers: {
      ID: "IMAGE ID",
      Repository: "REPOSITORY",
      Tag: "TAG",
      Digest: "DIGEST",
      CreatedSince: "CREATED",
      CreatedAt: "CREATED AT",
      Size: "SIZE",
      Containers: "CONTAINERS",
    },
    defaultFormat: quiet
      ? "{{.ID}}"
      : `table {{.Repository}}\t{{.Tag}}${digest}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}`,
  };
}

interface RowOptions {
  readonly full: boolean;
  readonly digests: boolean;
  readonly now: Date;
}

/** A row for each name of an image, and one for an image without a name. */
export function imageRows(image: Image, { full, digests, now }: RowOptions): readonly Fields[] {
  const created = toDate(image.createdAt);
  const names = image.repoTags.map(splitTag);
  const unnamed = image.repoDigests.map((name) => name.split("@", 1)[0] ?? none);
  const pairs = names.length > 0 ? names : [...new Set(unnamed)].map((repository) => [repository, none] as const);
  return (pairs.length > 0 ? pairs : [[none, none] as const]).map(([repository, tag]) => ({
    Containers: String(image.containers),
    CreatedAt: created === undefined ? "N/A" : formatCreatedAt(created),
    CreatedSince: created === undefined || created.getTime() <= 0 ? "N/A" : humanAge(created, now),
    Digest: digests || full ? digestOf(image, repository) : none,
    ID: full ? image.id : shortId(image.id),
    Repository: repository,
    Size: humanSize(Number(image.sizeBytes), 3),
    Tag: tag,
  }));
}

function splitTag(name: string): readonly [repository: string, tag: string] {
  const colon = name.lastIndexOf(":");
  return [name.slice(0, colon), name.slice(colon + 1)];
}

function digestOf(image: Image, repository: string): string {
  const found = image.repoDigests.find((name) => name.startsWith(`${repository}@`));
  return found?.slice(found.indexOf("@") + 1) ?? none;
}
