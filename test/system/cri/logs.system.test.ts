// SPDX-License-Identifier: Apache-2.0
// The log of a pod's container as the kubelet reads, rotates and deletes it.

import assert from "node:assert/strict";
import { access, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { before, suite, test } from "node:test";
import { type ContainerInit, parseLog, refused } from "../../support/cri-client.ts";
import { eventually } from "../../support/daemon.ts";
import { suiteCri } from "../../support/suite-cri.ts";

suite("the log of a pod's container", () => {
  const own = suiteCri();
  let pod = "";
  let directory = "";

  before(async () => {
    directory = path.join(own.cri.logDirectory, "of-the-pod");
    pod = await own.cri.runPod({ logDirectory: directory });
  });

  /** Runs the script to its end. */
  async function logOf(script: string, init: ContainerInit = {}) {
    const id = await own.cri.startScript(pod, script, { logPath: "one.log", ...init } as ContainerInit);
    await own.cri.exited(id);
    const records = await own.cri.log(id);
    await own.cri.runtime.removeContainer({ containerId: id });
    await rm(path.join(directory, "one.log"), { force: true });
    return records;
  }

  test("has a record a line, of both streams, with the time", async () => {
    const records = await logOf(
      "echo one; sleep 0.1; echo two >&2; sleep 0.1; echo; sleep 0.1; printf 'a b  c \\t\\n'",
    );
    assert.deepEqual(
      records.map(({ stream, tag, content }) => [stream, tag, content]),
      [
        ["stdout", "F", "one"],
        ["stderr", "F", "two"],
        ["stdout", "F", ""],
        ["stdout", "F", "a b  c \t"],
      ],
    );
    for (const { time } of records) {
      assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}(Z|[+-]\d\d:\d\d)$/);
      assert.ok(Math.abs(Date.parse(time) - Date.now()) < 60_000, time);
    }
    assert.deepEqual(
      records.map(({ time }) => time).toSorted(),
      records.map(({ time }) => time),
    );
  });

  test("marks a last line without its end as partial", async () => {
    const records = await logOf("echo whole; printf rest");
    assert.deepEqual(
      records.map(({ tag, content }) => [tag, content]),
      [
        ["F", "whole"],
        ["P", "rest"],
      ],
    );
  });

  test("takes long lines apart so that they can be put together", async () => {
    const records = await logOf("head -c 100000 /dev/zero | tr '\\0' x; echo; echo next");
    const pieces = records.slice(0, -1);
    assert.equal(pieces.map(({ content }) => content).join(""), "x".repeat(100_000));
    assert.ok(pieces.length > 1);
    assert.deepEqual(
      pieces.map(({ tag }) => tag),
      [...Array.from({ length: pieces.length - 1 }, () => "P"), "F"],
    );
    for (const { content } of pieces) assert.ok(content.length <= 16_384, `${content.length}`);
    assert.deepEqual(records.at(-1)?.content, "next");
  });

  test("of a terminal is all stdout, without carriage returns", async () => {
    const records = await logOf("echo out; echo err >&2", { tty: true });
    assert.deepEqual(
      records.map(({ stream, content }) => [stream, content]),
      [
        ["stdout", "out"],
        ["stdout", "err"],
      ],
    );
  });

  test("lies where it was asked for, below directories of its own, and outlives the container", async () => {
    const id = await own.cri.startScript(pod, "echo kept", { logPath: "deep/er/c_0.log" });
    await own.cri.exited(id);
    const file = path.join(directory, "deep/er/c_0.log");
    assert.equal((await own.cri.status(id)).logPath, file);
    await own.cri.runtime.removeContainer({ containerId: id });
    assert.deepEqual(
      parseLog(await readFile(file, "utf8")).map(({ content }) => content),
      ["kept"],
    );
    await rm(path.join(directory, "deep"), { recursive: true });
  });

  test("is dropped without a path, however much there is", async () => {
    const id = await own.cri.startScript(pod, "head -c 2000000 /dev/zero | tr '\\0' x; exit 3");
    const { exitCode, logPath } = await own.cri.exited(id);
    assert.deepEqual([exitCode, logPath], [3, ""]);
    await own.cri.runtime.removeContainer({ containerId: id });
    assert.deepEqual(await readdir(directory), []);
  });

  test("goes on in a new file after a rotation; the old one is not touched any more", async () => {
    const script = "i=0; while :; do i=$((i+1)); echo $i; sleep 0.01; done";
    const id = await own.cri.startScript(pod, script, { logPath: "rotated.log" });
    const file = path.join(directory, "rotated.log");
    const length = async (name: string) => (await stat(name).catch(() => ({ size: 0 }))).size;
    const old: string[] = [];
    for (const turn of [1, 2, 3]) {
      await eventually("output", async () => ((await length(file)) > 0 ? true : undefined));
      await rename(file, `${file}.${turn}`);
      await own.cri.runtime.reopenContainerLog({ containerId: id });
      old.push(await readFile(`${file}.${turn}`, "utf8"));
    }
    await eventually("output", async () => ((await length(file)) > 0 ? true : undefined));
    await own.cri.runtime.stopContainer({ containerId: id, timeout: 0n });
    for (const [index, text] of old.entries()) {
      assert.equal(await readFile(`${file}.${index + 1}`, "utf8"), text, "nothing was appended");
    }
    const whole = [...old, await readFile(file, "utf8")].join("");
    const numbers = parseLog(whole).map(({ content }) => Number(content));
    assert.deepEqual(
      numbers,
      Array.from(numbers, (_, index) => index + 1),
      "no line is lost or twice there",
    );
    await own.cri.runtime.removeContainer({ containerId: id });
    await Promise.all(["", ".1", ".2", ".3"].map(async (end) => await rm(`${file}${end}`)));
  });

  test("is made again when somebody has deleted it", async () => {
    const id = await own.cri.startScript(pod, "while :; do echo again; sleep 0.05; done", { logPath: "lost.log" });
    const file = path.join(directory, "lost.log");
    await eventually(
      "the file",
      async () =>
        await access(file).then(
          () => true,
          () => undefined,
        ),
    );
    await rm(file);
    await own.cri.runtime.reopenContainerLog({ containerId: id });
    await eventually("a line", async () => ((await own.cri.log(id)).length > 0 ? true : undefined));
    await own.cri.runtime.removeContainer({ containerId: id });
    await rm(file);
  });

  test("of a container that does not run cannot be reopened, and no file is made", async () => {
    const ended = await own.cri.startScript(pod, "echo over", { logPath: "ended.log" });
    await own.cri.exited(ended);
    const file = path.join(directory, "ended.log");
    await rename(file, `${file}.1`);
    const created = await own.cri.create(pod, { logPath: "created.log" });
    for (const containerId of [ended, created]) {
      await assert.rejects(
        own.cri.runtime.reopenContainerLog({ containerId }),
        refused("FailedPrecondition", containerId),
      );
      await own.cri.runtime.removeContainer({ containerId });
    }
    assert.deepEqual(await readdir(directory), ["ended.log.1"]);
    await rm(`${file}.1`);
  });
});
