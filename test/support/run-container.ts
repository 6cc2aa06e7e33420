// SPDX-License-Identifier: Apache-2.0
// What tests of containers do over and over: create, attach, start, read everything, wait, remove.

import assert from "node:assert/strict";
import type { AttachedStreams, BerthClient, ContainerOptions } from "../../sdk/src/index.ts";

/** How a container ended and all that it wrote. */
export interface RunResult {
  readonly id: string;
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export type RunInit = ContainerOptions & {
  readonly name?: string;
  /** Written to its stdin, which then ends. */
  readonly input?: string;
  /** The container stays. */
  readonly keep?: boolean;
};

const image = "busybox:latest";

/** Runs a shell script (or what init.command says) to its end. */
export async function runContainer(client: BerthClient, script: string, init: RunInit = {}): Promise<RunResult> {
  const { name, input, keep = false, ...config } = init;
  const wantsInput = input !== undefined;
  const { id } = await client.containers.create(
    { image, command: ["sh", "-c", script], ...(wantsInput && { openStdin: true, stdinOnce: true }), ...config },
    { ...(name !== undefined && { name }) },
  );
  try {
    const streams = await client.containers.attach(id, { stdin: wantsInput });
    try {
      const { exit } = await client.containers.wait(id, { condition: "next-exit" });
      await client.containers.start(id);
      const output = readOutput(streams);
      if (wantsInput) {
        await streams.write(Buffer.from(input));
        streams.endStdin();
      }
      const [text, { exitCode }] = await Promise.all([output, exit]);
      return { id, exitCode, ...text };
    } finally {
      streams.close();
    }
  } finally {
    if (!keep) await client.containers.remove(id, { force: true, volumes: true });
  }
}

/** The same; it must succeed without a word on stderr. Its stdout without the last newline. */
export async function outputOf(client: BerthClient, script: string, init: RunInit = {}): Promise<string> {
  const { exitCode, stdout, stderr } = await runContainer(client, script, init);
  assert.deepEqual({ exitCode, stderr }, { exitCode: 0, stderr: "" }, `${script}: ${stdout}`);
  return stdout.replace(/\n$/, "");
}

/** Creates and starts a container that stays, by default one that does nothing; its id. */
export async function startContainer(client: BerthClient, init: RunInit = {}): Promise<string> {
  const { name, input: _, keep: __, ...config } = init;
  const { id } = await client.containers.create(
    { image, command: ["sleep", "1000"], ...config },
    { ...(name !== undefined && { name }) },
  );
  try {
    await client.containers.start(id);
  } catch (error) {
    await client.containers.remove(id, { force: true, volumes: true });
    throw error;
  }
  return id;
}

/** Runs a shell script in a running container; it must succeed. Its stdout without the last newline. */
export async function execOutput(client: BerthClient, container: string, script: string): Promise<string> {
  const streams = await client.containers.exec({ container, command: ["sh", "-c", script] });
  const { stdout, stderr } = await readOutput(streams);
  assert.equal(await streams.exitCode, 0, `${script}: ${stdout}${stderr}`);
  return stdout.replace(/\n$/, "");
}

/** Everything until the end, as text. */
export async function readOutput(
  streams: Pick<AttachedStreams, "output">,
): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const chunks: Record<"stdout" | "stderr", Uint8Array[]> = { stdout: [], stderr: [] };
  for await (const { stream, data } of streams.output) chunks[stream].push(data);
  return { stdout: Buffer.concat(chunks.stdout).toString(), stderr: Buffer.concat(chunks.stderr).toString() };
}
