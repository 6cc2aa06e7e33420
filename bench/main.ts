// SPDX-License-Identifier: Apache-2.0
// make bench: what a person waits for, against peers in the same run. Commands are interleaved; medians and ratios are
// printed and written to docs/benchmarks.md. A peer that is not installed is left out by name.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { mountOne } from "../src/linux/mount/mount-all.ts";
import { unmountAll } from "../src/linux/mount/unmount.ts";
import { measureCliStart } from "./cli-start.ts";
import { measureGrpc } from "./grpc/measure.ts";
import { type Contender, interleave, type Measurement } from "./interleave.ts";
import { describeMachine } from "./machine.ts";
import { openBerth } from "./peers/berth.ts";
import { openContainerd } from "./peers/containerd.ts";
import { openPodman } from "./peers/podman.ts";
import { openRunc } from "./peers/runc.ts";
import { makeRootfs } from "./rootfs.ts";

const rounds = Number(process.env["BENCH_ROUNDS"] ?? 20);
const checkout = path.join(import.meta.dirname, "..");

const directory = mkdtempSync(path.join(tmpdir(), "berth-bench-"));
const left: string[] = [];
try {
  await using stack = new AsyncDisposableStack();
  // What engines keep in /run lies in memory, as it does on an installed machine.
  const run = path.join(directory, "run");
  mkdirSync(run);
  mountOne({ type: "tmpfs", source: "tmpfs", options: [] }, run);
  stack.defer(async () => await unmountAll(run));
  const rootfs = makeRootfs(directory);
  const berth = stack.use(await openBerth({ directory, checkout, rootfs }));
  const contenders: Contender[] = [...berth.contenders];
  const archive = berth.saveImage();
  for (const open of [openContainerd, openPodman, openRunc]) {
    const peer = await open({ directory, rootfs, archive });
    if ("missing" in peer) left.push(peer.missing);
    else contenders.push(...stack.use(peer).contenders);
  }
  const results = await interleave(contenders, rounds);
  const cliStart = await measureCliStart({ checkout, directory, rounds });
  const text = `${report(results, cliStart)}\n${await measureGrpc(rounds)}`;
  process.stdout.write(text);
  writeFileSync(path.join(checkout, "docs/benchmarks.md"), `${header()}${text}`);
} finally {
  rmSync(directory, { recursive: true, force: true });
}

function header(): string {
  return `# Benchmarks

Written by \`make bench\`; do not edit. Wall-clock time of whole commands, image present, ${rounds} interleaved rounds after one
that is not counted. Absolute figures move with the machine; compare the ratios.

${describeMachine()}
${left.map((line) => `Left out: ${line}.\n`).join("")}
`;
}

function report(results: readonly Measurement[], cliStart: Measurement): string {
  const reference = results.find(({ isReference }) => isReference);
  const rows = [...results, cliStart].map((result) => {
    const ratio = reference === undefined || result === cliStart ? "" : (result.median / reference.median).toFixed(2);
    return `| ${result.name} | ${result.median.toFixed(1)} | ${result.minimum.toFixed(1)} | ${result.maximum.toFixed(1)} | ${ratio} |`;
  });
  const against = reference === undefined ? "" : ` against ${reference.name}`;
  return `| command | median ms | min | max | ratio${against} |\n|---|---:|---:|---:|---:|\n${rows.join("\n")}\n`;
}
