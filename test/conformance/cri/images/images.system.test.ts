// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, suite, test } from "node:test";
import { promisify } from "node:util";
import { type BaseTrees, makeBaseTrees } from "./base-trees.ts";
import { defineImages, type ImageDefinition } from "./definitions.ts";

const run = promisify(execFile);
const signal = AbortSignal.timeout(200_000);

void suite("the images that critest needs", () => {
  let directory: string;
  let base: BaseTrees;
  let images: readonly ImageDefinition[];

  before(async () => {
    directory = await mkdtemp(path.join(tmpdir(), "berth-conformance-images-"));
    base = await makeBaseTrees({ signal });
    images = defineImages(base);
  });
  after(async () => await rm(directory, { recursive: true, force: true }));

  function find(repository: string): ImageDefinition {
    const found = images.find((image) => image.repository === repository);
    assert(found !== undefined, repository);
    return found;
  }

  async function unpack(repository: string): Promise<string> {
    const root = await mkdtemp(path.join(directory, "root-"));
    await chmod(root, 0o755);
    for (const layer of find(repository).layers) {
      await writeFile(`${root}.tar`, layer.layer());
      await run("tar", ["-xpf", `${root}.tar`, "-C", root], { signal });
    }
    return root;
  }

  /** Output and errors of a command in that root, with nothing of the host's environment. */
  function inside(root: string, ...command: readonly string[]) {
    const { status, stdout, stderr } = spawnSync("chroot", [root, ...command], {
      env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
      encoding: "utf8",
      timeout: 20_000,
    });
    return { status, stdout, stderr };
  }

  void test("busybox has all commands that specs run, linked with what is in the image", async () => {
    const root = await unpack("e2e-test-images/busybox");
    const commands =
      "top sleep pgrep ls cat id hostname touch chmod mkdir mount dd grep brctl ping ipcs pidof netstat nc";
    const script = `for name in ${commands}; do command -v "$name" >/dev/null || echo "no $name"; done`;
    assert.deepEqual(inside(root, "sh", "-c", script), { status: 0, stdout: "", stderr: "" });
    assert.match(inside(root, "pgrep", "--version").stdout, /procps/);
    assert.match(inside(root, "ipcs", "--version").stdout, /util-linux/);
    assert.equal(inside(root, "sh", "-c", "echo $(id -u nobody)").stdout, "65534\n");
  });

  void test("its shell meets the file under a command's name, and says so as the original does", async () => {
    const root = await unpack("e2e-test-images/busybox");
    // As a mask does: only this name is hidden, no other command.
    await rm(path.join(root, "bin/ls"));
    await writeFile(path.join(root, "bin/ls"), "", { mode: 0o644 });
    assert.equal(inside(root, "/bin/sh", "-c", "ls").stderr, "/bin/sh: ls: Permission denied\n");
    assert.equal(inside(root, "/bin/sh", "-c", "cat /etc/group | grep -c root").stdout, "1\n");
  });

  void test("nginx finds its libraries and takes its configuration", async () => {
    for (const repository of images.map((image) => image.repository).filter((name) => name.includes("nginx"))) {
      const root = await unpack(repository);
      await run("mknod", ["-m", "666", path.join(root, "dev/null"), "c", "1", "3"]);
      await writeFile(path.join(root, "dev/stdout"), "");
      assert.match(inside(root, "nginx", "-t").stderr, /test is successful/);
    }
  });

  void test("nonewprivs takes effect as a set-user-id program", async () => {
    const root = await unpack("e2e-test-images/nonewprivs");
    const { stdout } = spawnSync("chroot", ["--userspec=1000", root, "/nnp"], { encoding: "utf8" });
    assert.equal(stdout, "Effective uid: 0\n");
  });

  void test("the same packages make the same layers", () => {
    const again = defineImages(base);
    for (const [index, image] of images.entries()) {
      assert.deepEqual(
        again[index]?.layers.map((layer) => layer.layer()),
        image.layers.map((layer) => layer.layer()),
      );
    }
  });
});
