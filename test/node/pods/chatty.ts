// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { gunzipSync } from "node:zlib";
import { logRotation, podLogsDirectory } from "../kubelet/config.ts";
import { tailLog } from "../kubelet/streams.ts";
import { manifest, type PodCase, shell } from "./pod-case.ts";

const name = "chatty";
const padding = "x".repeat(80);
// Some at a time, so that it costs the machine little.
const script = `i=0; while :; do n=0; while [ $n -lt 20 ]; do n=$((n+1)); i=$((i+1)); echo "$i ${padding}"; done
  sleep 1 & wait $!; done`;

/** Writes so much that the kubelet rotates its log again and again: no line may be missing. */
export const chatty: PodCase = {
  name,
  steady: ["main"],
  manifest: () => manifest(name, { containers: [shell("main", script)] }),
  async check(node) {
    const pod = await node.readyPod(name);
    const directory = path.join(
      podLogsDirectory(node.kubelet.setup),
      `default_${pod.metadata.name}_${pod.metadata.uid}`,
      "main",
    );
    const { names, lines } = await readPieces(directory);
    assert(names.length <= logRotation.maximumFiles, `too many pieces: ${names.join(", ")}`);
    assert(
      names.some((file) => file.endsWith(".gz")),
      `no log was rotated twice: ${names.join(", ")}`,
    );
    const numbers = lines.map((line) => Number(line.split(" ")[3]));
    const gaps = numbers.filter((number, index) => index > 0 && number !== (numbers[index - 1] ?? 0) + 1);
    assert.deepEqual(gaps, [], `lines are missing before these, in ${names.join(", ")}`);
    assert.match(await tailLog(node.kubelet, { pod: name, container: "main" }, 3), /^(\d+ x+\n){3}$/);
  },
};

/** The lines of a container's log, the oldest piece first. */
async function readPieces(
  directory: string,
): Promise<{ readonly names: readonly string[]; readonly lines: readonly string[] }> {
  const all = (await readdir(directory)).filter((file) => !file.endsWith(".tmp")).sort();
  // The current one has no time in its name.
  const names = [...all.filter((file) => file !== "0.log"), "0.log"];
  const pieces = await Promise.all(
    names.map(async (file) => {
      const bytes = await readFile(path.join(directory, file));
      return (file.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString();
    }),
  );
  return { names, lines: pieces.join("").split("\n").slice(0, -1) };
}
