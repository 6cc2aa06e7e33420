// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import path from "node:path";
import { Readable } from "node:stream";
import { test } from "node:test";
import { BerthError } from "@berth/sdk";
import { invalidArgument } from "../base/errors.ts";
import { commandTable } from "./command-table.ts";
import { CliError, StartFailure, UsageError } from "./errors.ts";
import { describeFailure } from "./failure.ts";
import { Interruption } from "./interruption.ts";
import { runProgram } from "./program.ts";

const nowhere = "unix:///nonexistent/berth.sock";
const cannotConnect = `Cannot connect to the Berth daemon at ${nowhere}. Is it running?`;
const interruption = new Interruption();

/** Runs a command line in this process, with a pipe as standard input. */
async function berth(...argv: string[]) {
  const written = { stdout: "", stderr: "" };
  const output = (name: "stdout" | "stderr") =>
    ({
      write: (text: string) => {
        written[name] += text;
        return true;
      },
    }) as NodeJS.WriteStream;
  const hosted = argv[0]?.startsWith("-") === true ? argv : ["--host", nowhere, ...argv];
  const status = await runProgram(
    hosted,
    {
      stdin: Readable.from([]) as unknown as NodeJS.ReadStream,
      stdout: output("stdout"),
      stderr: output("stderr"),
      environment: {},
    },
    interruption,
  );
  return { status, ...written };
}

test("bad command lines end with 125 and point to the help", async () => {
  for (const [argv, stderr] of [
    ["run --foo", "unknown flag: --foo\nSee 'berth run --help'.\n"],
    ["container run --foo", "unknown flag: --foo\nSee 'berth container run --help'.\n"],
    ["--foo", "unknown flag: --foo\nSee 'berth --help'.\n"],
    ["run", /^"berth run" requires at least 1 argument\.\nSee 'berth run --help'\.\n\nUsage: {2}berth run /],
    ["ps x", /^"berth ps" accepts no arguments\.\n/],
    ["tag x", /^"berth tag" requires 2 arguments\.\n/],
    ["isnpect x", "berth: 'isnpect' is not a berth command.\nSee 'berth --help'\n\nDid you mean this?\n\tinspect\n"],
    ["xyzzy", "berth: 'xyzzy' is not a berth command.\nSee 'berth --help'\n"],
    ["image lss", /^berth: 'lss' is not a berth command\.\nSee 'berth image --help'/],
    ["run -m 1x busybox", /^invalid argument "1x" for "-m, --memory" flag: invalid suffix: 'x'\n/],
    ["run --pull=maybe busybox", /^invalid pull option: 'maybe'/],
    ["run -d -a stdout busybox", /^Conflicting options: -a and -d\n/],
  ] as const) {
    const result = await berth(...argv.split(" "));
    assert.equal(result.status, 125, argv);
    if (typeof stderr === "string") assert.equal(result.stderr, stderr);
    else assert.match(result.stderr, stderr);
    assert.equal(result.stdout, "");
  }
});

test("a daemon that is not there is named, with the exit code of the command's kind", async () => {
  assert.deepEqual(await berth("ps"), { status: 1, stdout: "", stderr: `${cannotConnect}\n` });
  assert.deepEqual(await berth("inspect", "x"), { status: 1, stdout: "", stderr: `${cannotConnect}\n` });
  assert.deepEqual(await berth("run", "x"), {
    status: 125,
    stdout: "",
    stderr: `berth: ${cannotConnect}\nSee 'berth run --help'.\n`,
  });
  const version = await berth("version");
  assert.equal(version.status, 1);
  assert.match(version.stdout, /^Client:\n Version: /);
  assert.equal(version.stderr, `${cannotConnect}\n`);
  assert.match((await berth("-H", "tcp://x", "ps")).stderr, /^unsupported daemon address "tcp:\/\/x"/);
});

test("a pipe is no terminal", async () => {
  assert.deepEqual(await berth("run", "-it", "x"), {
    status: 1,
    stdout: "",
    stderr: "the input device is not a TTY\n",
  });
});

test("help and version need no daemon", async () => {
  assert.match((await berth("--version")).stdout, /^Berth version /);
  assert.match((await berth("help")).stdout, /Commands:\n {2}run /);
  assert.match((await berth("help", "run")).stdout, /^Usage: {2}berth run \[OPTIONS\] IMAGE/);
  assert.match((await berth("image", "ls", "--help")).stdout, /^Usage: {2}berth images /);
  assert.match((await berth("container")).stdout, /^Usage: {2}berth container COMMAND/);
});

test("the daemon's program gets the arguments, and its exit code is passed on", () => {
  const main = path.join(import.meta.dirname, "main.ts");
  const run = (...argv: string[]) =>
    spawnSync(process.execPath, ["--disable-warning=ExperimentalWarning", main, ...argv], { encoding: "utf8" });
  assert.match(run("config", "default").stdout, /^# Berth daemon configuration/);
  const refused = run("daemon", "--foo");
  assert.equal(refused.status, 125);
  assert.match(refused.stderr, /^berth daemon: .*--foo/);
});

test("every command of the table is there and its help mentions its flags", async () => {
  const entries = Object.values(commandTable).flatMap((entry) => [entry, ...Object.values(entry.group ?? {})]);
  for (const { load } of entries) {
    if (load === undefined) continue;
    const { command } = await load();
    assert.match(command.usage, /^[a-z]/);
    const shorts = Object.values(command.flags).flatMap(({ short }) => short ?? []);
    assert.equal(new Set(shorts).size, shorts.length, `${command.usage}: a short flag is there twice`);
  }
});

test("failures in words and exit codes", () => {
  const ordinary = { usage: "x", description: "", failures: "ordinary" } as const;
  const run = { ...ordinary, failures: "run" } as const;
  const engine = { ...ordinary, failures: "engine" } as const;
  const reported = new BerthError("not-found", "no such container: x", { isFromDaemon: true });
  const notFound = new BerthError("unknown", 'exec: "x": executable file not found in $PATH', { isFromDaemon: true });
  const denied = new BerthError("unknown", 'exec: "/etc": permission denied', { isFromDaemon: true });
  const see = "\nSee 'berth c --help'.\n";
  for (const [error, command, message, exitCode] of [
    [reported, ordinary, "Error response from daemon: no such container: x\n", 1],
    [reported, engine, "Error response from daemon: no such container: x\n", 125],
    [reported, run, `berth: Error response from daemon: no such container: x${see}`, 125],
    [new StartFailure(notFound), run, `berth: Error response from daemon: ${notFound.message}${see}`, 127],
    [new StartFailure(denied), engine, `Error response from daemon: ${denied.message}\n`, 126],
    [new StartFailure(reported), run, `berth: Error response from daemon: no such container: x${see}`, 125],
    [invalidArgument("bad"), ordinary, "bad\n", 1],
    [invalidArgument("bad"), run, `berth: bad${see}`, 125],
    [new CliError("the input device is not a TTY"), run, "the input device is not a TTY\n", 1],
    [new CliError("", 7), ordinary, "", 7],
    [new UsageError("bad flag"), ordinary, `bad flag${see}`, 125],
  ] as const) {
    assert.deepEqual(describeFailure(error, command, "c"), { message, exitCode });
  }
  assert.match(describeFailure(new TypeError("boom"), ordinary, "c").message, /^unexpected failure: TypeError: boom\n/);
});
