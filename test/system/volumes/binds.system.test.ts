// SPDX-License-Identifier: Apache-2.0
// Directories and files of the host in a container.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, suite, test } from "node:test";
import { mountPointsWithin, unmountAll } from "../../../src/linux/mount/unmount.ts";
import { execOutput, outputOf, type RunInit, runContainer, startContainer } from "../../support/run-container.ts";
import { suiteDaemon } from "../../support/suite-daemon.ts";

suite("bind mounts", () => {
  const at = suiteDaemon();
  let directory = "";
  before(async () => {
    directory = await mkdtemp(path.join(tmpdir(), "berth-binds-"));
  });
  after(async () => {
    for (const mount of (await mountPointsWithin(directory)).toReversed()) await unmountAll(mount);
    await rm(directory, { recursive: true, force: true });
  });

  async function sourceDirectory(name: string): Promise<string> {
    const source = path.join(directory, name);
    await mkdir(source, { recursive: true });
    return source;
  }
  const mount = (...args: readonly string[]) => execFileSync("mount", args);
  const bind = (source: string, more: object = {}): RunInit => ({
    mounts: [{ type: "bind", source, target: "/bound", ...more }],
  });

  test("a directory is seen and written from both sides", async () => {
    const source = await sourceDirectory("both");
    await writeFile(path.join(source, "from-host"), "host\n");
    assert.equal(
      await outputOf(at.client, "cat /bound/from-host; echo inside > /bound/from-container", bind(source)),
      "host",
    );
    assert.equal(await readFile(path.join(source, "from-container"), "utf8"), "inside\n");
  });

  test("read-only is read-only", async () => {
    const { exitCode, stderr } = await runContainer(
      at.client,
      "touch /bound/file",
      bind(await sourceDirectory("read-only"), { readOnly: true }),
    );
    assert.notEqual(exitCode, 0);
    assert.match(stderr, /read-only file system/i);
  });

  test("a single file is bound, also over one of the image or of the engine", async () => {
    const source = path.join(await sourceDirectory("file"), "hosts");
    await writeFile(source, "192.0.2.1 only-this\n");
    for (const target of ["/etc/hosts", "/etc/passwd", "/new/place"]) {
      const mounts = [{ type: "bind", source, target, readOnly: true }];
      assert.equal(await outputOf(at.client, `cat ${target}`, { mounts, user: "0:0" }), "192.0.2.1 only-this");
    }
  });

  test("a missing source is made for -v and refused for --mount", async () => {
    const source = path.join(directory, "missing", "deep");
    await assert.rejects(at.client.containers.create({ image: "busybox", ...bind(source) }), {
      message: `invalid mount config for type "bind": bind source path does not exist: ${source}`,
    });
    assert.ok(!existsSync(path.dirname(source)));
    assert.equal(await outputOf(at.client, "ls -A /bound", bind(source, { createSource: true })), "");
    assert.ok(existsSync(source));
  });

  test("mounts below a source come along, unless they are not wanted", async () => {
    const source = await sourceDirectory("tree");
    const below = await sourceDirectory("tree/below");
    mount("-t", "tmpfs", "berth-test", below);
    await writeFile(path.join(below, "deep"), "");
    assert.equal(await outputOf(at.client, "ls /bound/below", bind(source)), "deep");
    assert.equal(await outputOf(at.client, "ls /bound/below", bind(source, { bindRecursive: "disabled" })), "");
  });

  test("read-only reaches the mounts below a source, unless they shall stay writable", async () => {
    const source = await sourceDirectory("deep-read-only");
    mount("-t", "tmpfs", "berth-test", await sourceDirectory("deep-read-only/below"));
    const script = "(touch /bound/below/file) 2>/dev/null && echo written || echo refused";
    const written = async (bindRecursive: string) =>
      await outputOf(at.client, script, bind(source, { readOnly: true, bindRecursive }));
    assert.equal(await written("enabled"), "refused");
    assert.equal(await written("readonly"), "refused");
    assert.equal(await written("writable"), "written");
  });

  test("what is mounted on the host later shows with slave and shared, and with private it does not", async () => {
    const source = await sourceDirectory("propagated");
    mount("--bind", source, source);
    mount("--make-shared", source);
    const late = await sourceDirectory("propagated/late");
    const ids = new Map<string, string>();
    for (const propagation of ["rprivate", "rslave", "rshared"]) {
      ids.set(
        propagation,
        await startContainer(at.client, { ...bind(source, { propagation }), capabilitiesAdd: ["SYS_ADMIN"] }),
      );
    }
    mount("-t", "tmpfs", "berth-test", late);
    await writeFile(path.join(late, "file"), "");
    const seen = async (propagation: string) =>
      await execOutput(at.client, ids.get(propagation) ?? "", "ls /bound/late");
    assert.deepEqual([await seen("rprivate"), await seen("rslave"), await seen("rshared")], ["", "file", "file"]);
    for (const propagation of ["rslave", "rshared"]) {
      const script = `mkdir /bound/${propagation} && mount -t tmpfs none /bound/${propagation} && touch /bound/${propagation}/x`;
      await execOutput(at.client, ids.get(propagation) ?? "", script);
    }
    assert.deepEqual(
      [existsSync(path.join(source, "rslave/x")), existsSync(path.join(source, "rshared/x"))],
      [false, true],
    );
    for (const id of ids.values()) await at.client.containers.remove(id, { force: true });
  });

  test("shared and slave are refused for a source that is on no such mount", async () => {
    const source = await sourceDirectory("unshared");
    mount("--bind", source, source);
    mount("--make-private", source);
    for (const [propagation, kind] of [
      ["rshared", "a shared"],
      ["slave", "a shared or slave"],
    ] as const) {
      const refused = runContainer(at.client, "true", bind(source, { propagation }));
      await assert.rejects(refused, {
        code: "failed-precondition",
        message: `path ${source} is mounted on ${source} but it is not ${kind} mount`,
      });
    }
  });

  test("a bind and a volume replace what is below them in the image, shallow ones first", async () => {
    const outer = await sourceDirectory("outer");
    const mounts = [
      { type: "tmpfs", target: "/bound/inner" },
      { type: "bind", source: outer, target: "/bound" },
    ];
    assert.equal(
      await outputOf(at.client, "awk '$2 ~ /^.bound/ { print $2, $3 != \"tmpfs\" }' /proc/mounts", { mounts }),
      "/bound 1\n/bound/inner 0",
    );
  });

  test("two mounts with one target are refused", async () => {
    const mounts = ["/x", "/x/../x"].map((target) => ({ type: "tmpfs", target }));
    const refused = at.client.containers.create({ image: "busybox", mounts });
    await assert.rejects(refused, { message: "Duplicate mount point: /x" });
  });
});
