// SPDX-License-Identifier: Apache-2.0
// What people ask about layers: how an image came to be and what a container changed.

import assert from "node:assert/strict";
import { after, suite, test } from "node:test";
import { startDaemon } from "../../support/daemon.ts";

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
