// SPDX-License-Identifier: Apache-2.0
// Questions on the terminal.

import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import type { CommandContext } from "./command.ts";

/** One line of input; hidden: what is typed is not shown. */
export async function ask(
  { stdin, stdout, signal }: CommandContext,
  question: string,
  { hidden }: { readonly hidden: boolean },
): Promise<string> {
  stdout.write(question);
  // readline echoes to its output: none means that nothing is shown.
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: stdin, output: hidden ? nowhere : stdout, terminal: true });
  try {
    return await lines.question("", { signal });
  } finally {
    lines.close();
    if (hidden) stdout.write("\n");
  }
}

/** All of standard input, without the newline at its end. */
export async function readAll(stdin: NodeJS.ReadStream): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks)
    .toString("utf8")
    .replace(/\r?\n$/, "");
}
