// SPDX-License-Identifier: Apache-2.0
// Volumes: filled from the image, shared, kept, and removed with the container that they were made for.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createReadStream, existsSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { before, suite, test } from "node:test";
import { eventually } from "../../support/daemon.ts";
import { outputOf, runContainer, startContainer } from "../../support/run-container.ts";
import { suiteDaemon } from "../../support/suite-daemon.ts";

const image = "with-data:latest";

/** A root filesystem whose /data has owners, modes, links and extended attributes, as a tar. */
async function dataArchive(): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), "berth-data-"));
  const script = `mkdir -p root/bin root/etc root/tmp root/data/sub && cd root && cp /bin/busybox bin/busybox
    for command in $(bin/busybox --list); do [ "$command" = busybox ] || ln -s busybox "bin/$command"; done
    echo content > data/file && chown 33:50 data/file && chmod 4750 data/file && ln data/file data/hard
    ln -s /etc/elsewhere data/link && chown 1000:1000 data && chmod 1770 data && touch -d @1000000000 data/sub
    python3 -c 'import os; os.setxattr("data/file", "user.color", b"blue")'
    tar --xattrs --xattrs-include=user.* --numeric-owner -cf ../archive.tar .`;
  execFileSync("sh", ["-ec", script], { cwd: directory });
  return directory;
}

suite("volumes", () => {
  const at = suiteDaemon();
  const data = (more: object = {}) => ({ type: "volume", source: "data", target: "/data", ...more });
  const volumesOnDisk = async () =>
    existsSync(path.join(at.daemon.root, "volumes"))
      ? (await readdir(path.join(at.daemon.root, "volumes"))).toSorted()
      : [];
  const sourceOf = async (id: string, target: string) =>
    (await at.client.containers.inspect(id)).mounts.find(({ destination }) => destination === target)?.source ?? "";

  before(async () => {
    const directory = await dataArchive();
    try {
      await at.client.images.import(createReadStream(path.join(directory, "archive.tar")), {
        reference: image,
        changes: ["VOLUME /declared"],
      });
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  test("a new volume gets what the image has there, as it is there", async () => {
    const { id } = await runContainer(at.client, "true", { image, mounts: [data()], keep: true });
    const source = await sourceOf(id, "/data");
    assert.equal(source, path.join(at.daemon.root, "volumes/data/_data"));
    const described = execFileSync("sh", [
      "-c",
      `cd ${source} && stat -c '%n %u:%g %a %h %F' . file link && readlink link && cat file && stat -c %Y sub &&
       python3 -c 'import os; print(os.getxattr("file", "user.color").decode())'`,
    ]).toString();
    assert.equal(
      described,
      [
        ". 1000:1000 1770 3 directory",
        "file 33:50 4750 2 regular file",
        "link 0:0 777 1 symbolic link",
        "/etc/elsewhere",
        "content",
        "1000000000",
        "blue",
        "",
      ].join("\n"),
    );
    await at.client.containers.remove(id, { volumes: true });
    assert.deepEqual(await volumesOnDisk(), ["data"], "a named volume stays");
  });

  test("the next container sees what the one before wrote, and nothing is copied again", async () => {
    assert.equal(await outputOf(at.client, "rm /data/file; echo more > /data/new", { image, mounts: [data()] }), "");
    assert.equal(
      await outputOf(at.client, "ls /data; cat /data/new", { image, mounts: [data({ readOnly: true })] }),
      "hard\nlink\nnew\nsub\nmore",
    );
    const { stderr } = await runContainer(at.client, "touch /data/x", { image, mounts: [data({ readOnly: true })] });
    assert.match(stderr, /read-only file system/i);
  });

  test("two running containers share a volume", async () => {
    const mounts = [data({ source: "shared", target: "/shared" })];
    const id = await startContainer(at.client, { mounts });
    await outputOf(at.client, "echo hello > /shared/file", { mounts });
    const streams = await at.client.containers.exec({ container: id, command: ["cat", "/shared/file"] });
    for await (const { data: bytes } of streams.output) assert.equal(Buffer.from(bytes).toString(), "hello\n");
    assert.equal(await streams.exitCode, 0);
    await at.client.containers.remove(id, { force: true });
  });

  test("nocopy leaves a volume empty", async () => {
    const mounts = [data({ source: "empty", noCopy: true })];
    assert.equal(await outputOf(at.client, "ls -A /data", { image, mounts }), "");
  });

  test("anonymous and declared volumes go with the container when asked for, and stay otherwise", async () => {
    const before = await volumesOnDisk();
    const mounts = [{ type: "volume", target: "/anonymous" }];
    const { id } = await runContainer(at.client, "touch /anonymous/a /declared/b", { image, mounts, keep: true });
    const { mounts: made } = await at.client.containers.inspect(id);
    assert.deepEqual(made.map(({ destination }) => destination).toSorted(), ["/anonymous", "/declared"]);
    for (const { name } of made) assert.match(name, /^[0-9a-f]{64}$/);
    assert.equal((await volumesOnDisk()).length, before.length + 2);
    await at.client.containers.remove(id, { volumes: true });
    assert.deepEqual(await volumesOnDisk(), before);
    const kept = await runContainer(at.client, "true", { image, keep: true });
    await at.client.containers.remove(kept.id);
    assert.equal((await volumesOnDisk()).length, before.length + 1);
  });

  test("autoRemove takes anonymous volumes along", async () => {
    const before = await volumesOnDisk();
    const { id } = await at.client.containers.create({ image, command: ["true"], autoRemove: true });
    assert.equal((await volumesOnDisk()).length, before.length + 1);
    const { exit } = await at.client.containers.wait(id, { condition: "removed" });
    await at.client.containers.start(id);
    await exit;
    await eventually("the volume to go", async () =>
      (await volumesOnDisk()).length === before.length ? true : undefined,
    );
  });

  test("a creation that fails leaves no volume", async () => {
    const before = await volumesOnDisk();
    const mounts = [data({ source: "never" }), { type: "bind", source: "/berth-nowhere", target: "/x" }];
    await assert.rejects(at.client.containers.create({ image, mounts }), /bind source path does not exist/);
    assert.deepEqual(await volumesOnDisk(), before);
  });

  test("a volume over a symbolic link of the image stays inside the root", async () => {
    const mounts = [{ type: "volume", source: "linked", target: "/data/link/deeper" }];
    assert.equal(await outputOf(at.client, "ls -A /etc/elsewhere/deeper && echo there", { image, mounts }), "there");
    assert.ok(!existsSync("/etc/elsewhere"));
  });

  test("a bad name is refused with Docker's text", async () => {
    await assert.rejects(at.client.containers.create({ image, mounts: [data({ source: "a/b" })] }), {
      message: /includes invalid characters for a local volume name/,
    });
  });
});
