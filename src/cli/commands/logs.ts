// SPDX-License-Identifier: Apache-2.0

import { type LogEntry, OutputStream } from "@berth/sdk";
import { type CommandContext, defineCommand } from "../command.ts";
import { text, toggle } from "../flags.ts";
import { writeTo } from "../process-session.ts";
import { parseTimeFlag } from "../times.ts";

export const command = defineCommand({
  usage: "logs [OPTIONS] CONTAINER",
  description: "Fetch the logs of a container",
  flags: {
    follow: toggle("Follow log output", { short: "f" }),
    since: text('Show logs since timestamp (e.g. "2013-01-02T13:23:37Z") or relative (e.g. "42m")'),
    tail: text("Number of lines to show from the end of the logs", { short: "n" }),
    timestamps: toggle("Show timestamps", { short: "t" }),
    until: text('Show logs before a timestamp (e.g. "2013-01-02T13:23:37Z") or relative (e.g. "42m")'),
  },
  arguments: { minimum: 1, maximum: 1 },
  async run({ flags, args: [container = ""] }, context) {
    const tail = parseTail(flags.tail);
    const [sinceNano, untilNano] = [parseTimeFlag(flags.since), parseTimeFlag(flags.until)];
    const entries = context.client().containers.logs(container, {
      follow: flags.follow,
      signal: context.signal,
      ...(tail !== undefined && { tail }),
      ...(sinceNano !== undefined && { sinceNano }),
      ...(untilNano !== undefined && { untilNano }),
    });
    const printer = new LogPrinter(context, flags.timestamps);
    for await (const entry of entries) await printer.print(entry);
    return 0;
  },
});

/** "all", or anything that is no number of lines, shows everything, as with Docker. */
function parseTail(given: string | undefined): number | undefined {
  return given !== undefined && /^\d{1,9}$/.test(given) ? Number(given) : undefined;
}

/** Puts each line on the stream that it was written to, its time before its first piece. */
class LogPrinter {
  readonly #context: CommandContext;
  readonly #timestamps: boolean;
  /** Streams in the middle of a line. */
  readonly #open = new Set<OutputStream>();

  constructor(context: CommandContext, timestamps: boolean) {
    this.#context = context;
    this.#timestamps = timestamps;
  }

  async print({ stream, timestamp, content, partial }: LogEntry): Promise<void> {
    const output = stream === OutputStream.STDERR ? this.#context.stderr : this.#context.stdout;
    const prefix = this.#timestamps && !this.#open.has(stream) ? Buffer.from(`${timestamp} `) : Buffer.of();
    if (partial) this.#open.add(stream);
    else this.#open.delete(stream);
    await writeTo(output, Buffer.concat([prefix, content]));
  }
}
