// SPDX-License-Identifier: Apache-2.0
// Shows pulls that somebody else has begun, as their own command would, until they end.

import type { PullNews, RunningPull } from "@berth/sdk";
import type { CommandContext } from "./command.ts";
import { failureText } from "./failure.ts";
import { createProgress, type ProgressEvent, type ProgressOutput } from "./progress/progress.ts";
import { toEvent } from "./pull-image.ts";

interface AttachOptions {
  /** All pulls when undefined. */
  readonly reference: string | undefined;
  /** Undefined: the names of what was pulled are all that is printed. */
  readonly output: ProgressOutput | undefined;
}

/** The exit code: 1 when a pull has failed. */
export async function attachPulls(context: CommandContext, { reference, output }: AttachOptions): Promise<number> {
  const isShared = reference === undefined;
  const progress = output === undefined ? undefined : createProgress(output);
  const failures: string[] = [];
  let seen = 0;
  for await (const news of context.client().images.watchPulls({ reference, signal: context.signal })) {
    const event = isShared ? sharedEventOf(news) : news.kind === "progress" ? toEvent(news.progress) : undefined;
    if (event !== undefined) progress?.show(event);
    if (news.kind === "started") seen++;
    if (news.kind !== "ended") continue;
    const { pull, failure } = news;
    if (failure !== undefined) failures.push(`${isShared ? `${labelOf(pull)}: ` : ""}${failureText(failure)}\n`);
    else if (!isShared || output === undefined) context.stdout.write(`${pull.reference}\n`);
  }
  if (seen === 0) context.stderr.write("No pulls are running\n");
  for (const failure of failures) context.stderr.write(failure);
  return failures.length > 0 ? 1 : 0;
}

/** Several pulls share the screen: there each line bears the name of its image, which also tells their layers apart. */
function sharedEventOf(news: PullNews): ProgressEvent | undefined {
  const label = labelOf(news.pull);
  if (news.kind === "started") return { id: label, status: "Pulling" };
  if (news.kind === "ended") return { id: label, status: news.failure === undefined ? "Pulled" : "Failed" };
  const event = toEvent(news.progress);
  // What is said of the whole is said by the line of the image.
  if (event.id === undefined || event.status.startsWith("Pulling from ")) return undefined;
  return { ...event, id: `${label} ${event.id}` };
}

/** Short, for there is a bar to come. */
function labelOf({ reference }: RunningPull): string {
  return reference.replace(/^docker\.io\/(?:library\/)?/, "").replace(/(@\w+:\w{12})\w+$/, "$1");
}
