// SPDX-License-Identifier: Apache-2.0

import { FileChangeKind } from "@berth/sdk";
import { defineCommand } from "../command.ts";

const letters: Readonly<Record<FileChangeKind, string>> = {
  [FileChangeKind.UNSPECIFIED]: "?",
  [FileChangeKind.ADDED]: "A",
  [FileChangeKind.CHANGED]: "C",
  [FileChangeKind.REMOVED]: "D",
};

export const command = defineCommand({
  usage: "diff CONTAINER",
  description: "Inspect changes to files or directories on a container's filesystem",
  flags: {},
  arguments: { minimum: 1, maximum: 1 },
  async run({ args: [container = ""] }, context) {
    const changes = await context.client().containerFiles.changes(container, { signal: context.signal });
    context.stdout.write(changes.map(({ kind, path }) => `${letters[kind]} ${path}\n`).join(""));
    return 0;
  },
});
