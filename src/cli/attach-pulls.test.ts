// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { BerthError, type PullNews } from "@berth/sdk";
import { attachPulls } from "./attach-pulls.ts";
import type { CommandContext } from "./command.ts";

const pullOf = (reference: string) => ({ reference }) as PullNews["pull"];
const [app, hub] = [pullOf("registry.example/app:v1"), pullOf(`docker.io/library/busybox@sha256:${"a".repeat(64)}`)];
const line = (pull: PullNews["pull"], id: string, status: string) =>
  ({ kind: "progress", pull, progress: { id, status } }) as PullNews;
const failure = new BerthError("unavailable", "the registry is down", { isFromDaemon: true });

/** What the command prints when this happens. */
async function attach(news: readonly PullNews[], reference: string | undefined, { quiet = false } = {}) {
  const [stdout, stderr]: [string[], string[]] = [[], []];
  const outputs = {
    stdout: { write: (text: string) => stdout.push(text) },
    stderr: { write: (text: string) => stderr.push(text) },
  };
  async function* watchPulls() {
    yield* await Promise.resolve(news);
  }
  const context = {
    ...outputs,
    signal: new AbortController().signal,
    client: () => ({ images: { watchPulls } }),
  } as unknown as CommandContext;
  const status = await attachPulls(context, { reference, output: quiet ? undefined : outputs.stdout });
  return { status, stdout: stdout.join(""), stderr: stderr.join("") };
}

test("one pull looks as its own command", async () => {
  const news: PullNews[] = [
    { kind: "started", pull: app },
    line(app, "v1", "Pulling from app"),
    line(app, "a1", "Downloading"),
    line(app, "a1", "Pull complete"),
    line(app, "", "Status: Downloaded newer image"),
    { kind: "ended", pull: app },
  ];
  assert.deepEqual(await attach(news, "registry.example/app:v1"), {
    status: 0,
    stdout:
      "v1: Pulling from app\na1: Downloading\na1: Pull complete\nStatus: Downloaded newer image\nregistry.example/app:v1\n",
    stderr: "",
  });
});

test("several have their image's name on each line, and failures come last", async () => {
  const news: PullNews[] = [
    { kind: "started", pull: app },
    line(app, "v1", "Pulling from app"),
    line(app, "a1", "Downloading"),
    { kind: "started", pull: hub },
    line(hub, "a1", "Waiting"),
    { kind: "ended", pull: app, failure },
    line(hub, "a1", "Pull complete"),
    line(hub, "", "Status: Downloaded newer image"),
    { kind: "ended", pull: hub },
  ];
  assert.deepEqual(await attach(news, undefined), {
    status: 1,
    stdout: `registry.example/app:v1: Pulling
registry.example/app:v1 a1: Downloading
busybox@sha256:aaaaaaaaaaaa: Pulling
busybox@sha256:aaaaaaaaaaaa a1: Waiting
registry.example/app:v1: Failed
busybox@sha256:aaaaaaaaaaaa a1: Pull complete
busybox@sha256:aaaaaaaaaaaa: Pulled
`,
    stderr: "registry.example/app:v1: Error response from daemon: the registry is down\n",
  });
});

test("quiet prints the names of what was pulled, and what failed", async () => {
  const news: PullNews[] = [
    { kind: "started", pull: app },
    line(app, "a1", "Downloading"),
    { kind: "started", pull: hub },
    { kind: "ended", pull: hub },
    { kind: "ended", pull: app, failure },
  ];
  const printed = await attach(news, undefined, { quiet: true });
  assert.deepEqual([printed.status, printed.stdout], [1, `${hub.reference}\n`]);
  assert.match(printed.stderr, /the registry is down/);
});

test("nothing to look at is said, and no failure", async () => {
  assert.deepEqual(await attach([], undefined), { status: 0, stdout: "", stderr: "No pulls are running\n" });
});
