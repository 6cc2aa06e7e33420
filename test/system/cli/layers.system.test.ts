// SPDX-License-Identifier: Apache-2.0
// What people ask about layers: how an image came to be and what a container changed.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import path from "node:path";
import { after, suite, test } from "node:test";
import { eventually, startDaemon } from "../../support/daemon.ts";

suite("layers with the berth command", async () => {
  const daemon = await startDaemon({ after });
  await daemon.importBusybox();

  test("history has Docker's columns, and one row for an imported image", async () => {
    const [header = "", row = "", ...more] = (await daemon.ok("history", "busybox")).split("\n");
    assert.match(header, /^IMAGE {10}CREATED +CREATED BY {3}SIZE +COMMENT$/);
    assert.match(row, /^[0-9a-f]{12} {3}.* ago +\d[\d.]*(kB|MB) +imported from a tar archive$/);
    assert.deepEqual(more, []);
    const id = await daemon.ok("history", "-q", "--no-trunc", "busybox");
    assert.match(id, /^sha256:[0-9a-f]{64}$/);
    assert.equal(await daemon.ok("history", "--quiet", "busybox"), id.slice(7, 19));
    assert.match(
      await daemon.ok("history", "--human=false", "--format", "{{.CreatedAt}} {{.CreatedSince}} {{.Size}}", "busybox"),
      /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d)) \1 \d+$/,
    );
    assert.deepEqual(Object.keys(JSON.parse(await daemon.ok("image", "history", "--format", "json", "busybox"))), [
      "Comment",
      "CreatedAt",
      "CreatedBy",
      "CreatedSince",
      "ID",
      "Size",
    ]);
  });

  test("history of what is not there fails in Docker's words", async () => {
    const { status, stdout, stderr } = await daemon.berth(["history", "nothing"]);
    assert.deepEqual({ status, stdout }, { status: 1, stdout: "" });
    assert.match(stderr, /no such image: nothing:latest/);
  });

  test("export gives the container's files as a tar, running or not, without what is mounted in it", async () => {
    const script =
      "echo inside > /made && ln /made /twice && ln -s /etc/shadow /link && chown 5:6 /made && mkfifo /fifo";
    for (const name of ["export-ended", "export-running"]) {
      await daemon.ok("run", "-d", "--name", name, "-v", "/data", "busybox", "sleep", "600");
      await daemon.ok("exec", name, "sh", "-c", `${script} && touch /data/not-shown`);
      if (name === "export-ended") await daemon.ok("stop", "-t", "0", name);
      const file = path.join(daemon.directory, `${name}.tar`);
      assert.equal(await daemon.ok("export", "-o", file, name), "");
      const listed = execFileSync("tar", ["--numeric-owner", "-tvf", file], { encoding: "utf8" }).split("\n");
      assert.equal(listed.filter((line) => line.includes("not-shown")).length, 0);
      const line = (name: string) => listed.find((text) => new RegExp(` ${name}( |$)`).test(text)) ?? "";
      assert.match(line("made"), /^-rw-r--r-- 5\/6 +7 /);
      assert.match(line("twice"), / twice link to made$/);
      assert.match(line("link"), /^l.* link -> \/etc\/shadow$/);
      assert.match(line("fifo"), /^p/);
      assert.match(line("data/"), /^d/);
      assert.match(line("bin/busybox"), /^-rwxr-xr-x 0\/0 +\d{5,} /);
      assert.equal(execFileSync("tar", ["-xOf", file, "made"], { encoding: "utf8" }), "inside\n");
    }
    assert.equal(await daemon.ok("start", "export-ended"), "export-ended");
  });

  test("export of what is not there leaves no file", async () => {
    const file = path.join(daemon.directory, "nothing.tar");
    const { status, stderr } = await daemon.berth(["export", "--output", file, "nothing"]);
    assert.deepEqual([status, stderr], [1, "Error response from daemon: no such container: nothing\n"]);
    assert.equal(existsSync(file), false);
  });

  test("commit makes an image of what a container changed and was started with", async () => {
    const script = "echo kept > /etc/new && rm /etc/group && mkdir /tmp/a";
    await daemon.ok(
      "run",
      "-d",
      "--name",
      "work",
      "-e",
      "A=b c",
      "-l",
      "k=v",
      "-v",
      "/data",
      "busybox",
      "sleep",
      "600",
    );
    await daemon.ok("exec", "work", "sh", "-c", `${script} && touch /data/not-kept`);
    const flags = ["-a", "Ada", "-m", "a word", "-c", "EXPOSE 80", "--change", 'CMD ["cat", "/etc/new"]'];
    const id = await daemon.ok("commit", ...flags, "work", "made:1");
    assert.match(id, /^sha256:[0-9a-f]{64}$/);
    assert.equal(await daemon.ok("ps", "--filter", "name=work", "--format", "{{.State}}"), "running");
    assert.equal(await daemon.ok("run", "--rm", "made:1"), "kept");
    const shown = await daemon.ok(
      "run",
      "--rm",
      "made:1",
      "sh",
      "-c",
      "echo $A; ls /data; test -e /etc/group || echo gone",
    );
    assert.equal(shown, "b c\ngone");
    const [image] = JSON.parse(await daemon.ok("image", "inspect", "made:1"));
    assert.deepEqual(
      [image.Id, image.Author, image.Comment, image.Config.Labels, image.Config.ExposedPorts, image.Config.Volumes],
      [id, "Ada", "a word", { k: "v" }, { "80/tcp": {} }, { "/data": {} }],
    );
    const history = await daemon.ok("history", "--format", "{{.CreatedBy}}|{{.Comment}}", "made:1");
    assert.equal(history, "sleep 600|a word\n|imported from a tar archive");
    const save = path.join(daemon.directory, "made.tar");
    await daemon.ok("save", "-o", save, "made:1");
    assert.equal(await daemon.ok("load", "-i", save), "Loaded image: made:1");
  });

  test("commit of a stopped container and without a pause, on top of what was committed", async () => {
    await daemon.ok("run", "--name", "first", "busybox", "sh", "-c", "echo 1 > /one");
    const first = await daemon.ok("commit", "first");
    await daemon.ok("run", "-d", "--name", "second", first, "sleep", "600");
    await daemon.ok("exec", "second", "sh", "-c", "echo 2 > /two");
    await daemon.ok("container", "commit", "--pause=false", "-c", 'ENTRYPOINT ["cat"]', "second", "second");
    assert.equal(await daemon.ok("run", "--rm", "second", "/one", "/two"), "1\n2");
    assert.equal(await daemon.ok("image", "inspect", "-f", "{{json .Config.Cmd}}", "second"), "null");
    assert.equal(await daemon.ok("image", "inspect", "-f", "{{len .RootFS.Layers}}", "second"), "3");
    assert.deepEqual(await readdir(path.join(daemon.root, "commits")), []);
  });

  test("commit lets a running container stand still while its files are read", async () => {
    const script = "dd if=/dev/zero of=/b bs=1M count=64 && while :; do echo >> /a; echo >> /c; done";
    await daemon.ok("run", "-d", "--name", "busy", "busybox", "sh", "-c", script);
    const lines = async (container: string) => (await daemon.berth(["exec", container, "wc", "-l", "/c"])).stdout;
    await eventually("something written", async () => /^[1-9]/.test(await lines("busy")));
    await daemon.ok("commit", "busy", "moment");
    const counts = await daemon.ok("run", "--rm", "moment", "sh", "-c", "wc -l < /a; wc -l < /c");
    const [a = 0, c = 0] = counts.split("\n").map(Number);
    assert.ok(c > 0 && (a === c || a === c + 1), `${a} and ${c}`);
    const later = await lines("busy");
    await eventually("that it goes on", async () => (await lines("busy")) !== later);
    await daemon.ok("rm", "-f", "busy");
  });

  test("commit refuses what it cannot do and leaves nothing", async () => {
    await daemon.ok("create", "--name", "still", "busybox");
    const before = await daemon.ok("images", "-a", "-q", "--no-trunc");
    for (const [args, message] of [
      [["nothing"], /no such container: nothing/],
      [["still", "UPPER"], /must be lowercase/],
      [["still", `a@sha256:${"0".repeat(64)}`], /cannot commit to digest reference/],
      [["-c", "RUN true", "still"], /RUN is not a valid change command/],
    ] as const) {
      const { status, stderr } = await daemon.berth(["commit", ...args]);
      assert.equal(status, 1);
      assert.match(stderr, message);
    }
    assert.equal(await daemon.ok("images", "-a", "-q", "--no-trunc"), before);
  });

  test("diff prints what a container changed, running or not, and none of what is mounted in it", async () => {
    const script = "echo x > /etc/new && rm /etc/group && echo y >> /etc/passwd && mkdir /tmp/a && touch /tmp/a/b";
    const expected = ["C /etc", "D /etc/group", "A /etc/new", "C /etc/passwd", "C /tmp", "A /tmp/a", "A /tmp/a/b"];
    await daemon.ok("run", "--name", "ended", "busybox", "sh", "-c", script);
    assert.deepEqual((await daemon.ok("diff", "ended")).split("\n"), expected);
    await daemon.ok("run", "-d", "--name", "running", "-v", "/data", "busybox", "sleep", "600");
    await daemon.ok("exec", "running", "sh", "-c", `${script} && touch /data/not-shown`);
    assert.deepEqual((await daemon.ok("container", "diff", "running")).split("\n"), ["A /data", ...expected]);
    await daemon.ok("create", "--name", "fresh", "busybox");
    assert.equal(await daemon.ok("diff", "fresh"), "");
    const { status, stderr } = await daemon.berth(["diff", "nothing"]);
    assert.deepEqual([status, stderr], [1, "Error response from daemon: no such container: nothing\n"]);
  });
});
