// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { suiteDaemon } from "../../support/suite-daemon.ts";

suite("disk usage and pruning with the berth command", () => {
  const at = suiteDaemon();

  test("container prune takes what does not run, by age and label, and asks first", async () => {
    const { daemon } = at;
    const running = await daemon.ok("run", "-d", "busybox", "sleep", "1000");
    const created = await daemon.ok("create", "--label", "keep", "busybox", "true");
    await daemon.ok("run", "--name", "ended", "busybox", "dd", "if=/dev/zero", "of=/file", "bs=1000", "count=100");
    const ended = await daemon.ok("inspect", "-f", "{{.Id}}", "ended");
    const asked = await daemon.berth(["container", "prune"], { input: "N\n" });
    assert.match(asked.stdout, /^WARNING! This will remove all stopped containers\.\nAre you sure/);
    assert.deepEqual([asked.status, asked.stderr], [1, "container prune has been cancelled\n"]);
    const old = await daemon.ok("container", "prune", "-f", "--filter", "until=1h");
    assert.equal(old, "Total reclaimed space: 0B");
    const pruned = (await daemon.ok("container", "prune", "-f", "--filter", "label!=keep")).split("\n");
    assert.deepEqual(pruned.slice(0, 3), ["Deleted Containers:", ended, ""]);
    assert.match(pruned[3] ?? "", /^Total reclaimed space: 1\d\d(\.\d)?kB$/);
    assert.equal(
      await daemon.ok("container", "prune", "-f", "--filter", "label=keep").then((text) => text.split("\n")[1]),
      created,
    );
    assert.equal(await daemon.ok("ps", "-aq", "--no-trunc"), running);
    await daemon.ok("rm", "-f", running);
  });

  test("image prune takes those without a name, with -a all that nobody uses, and never one in use", async () => {
    const { daemon } = at;
    await daemon.importBusybox("other:1", ["LABEL generation=1"]);
    const dangling = await daemon.ok("images", "-q", "--no-trunc", "other");
    await daemon.importBusybox("other:1", ["LABEL generation=2"]);
    const other = await daemon.ok("images", "-q", "--no-trunc", "other");
    assert.match(
      await daemon.ok("image", "prune", "-f"),
      new RegExp(`^Deleted Images:\ndeleted: ${dangling}\n\nTotal reclaimed space: [\\d.]+[kM]?B$`),
    );
    const id = await daemon.ok("create", "busybox", "true");
    const all = await daemon.ok("image", "prune", "-af");
    assert.match(all, new RegExp(`^Deleted Images:\nuntagged: other:1\ndeleted: ${other}\n\nTotal reclaimed space: `));
    assert.equal(await daemon.ok("images", "--format", "{{.Repository}}"), "busybox");
    assert.equal(await daemon.ok("image", "prune", "-af"), "Total reclaimed space: 0B");
    await daemon.ok("rm", id);
  });

  test("system df counts, in a table, as JSON and object by object", async () => {
    const { daemon } = at;
    const id = await daemon.ok("create", "--name", "user", "-v", "used:/data", "busybox", "true");
    await daemon.ok("volume", "create", "unused");
    const [header, ...rows] = (await daemon.ok("system", "df")).split("\n");
    assert.match(header ?? "", /^TYPE +TOTAL +ACTIVE +SIZE +RECLAIMABLE$/);
    assert.match(rows[0] ?? "", /^Images +1 +1 +[\d.]+MB +0B \(0%\)$/);
    assert.match(rows[1] ?? "", /^Containers +1 +0 +[\d.]+k?B +[\d.]+k?B( \(100%\))?$/);
    assert.match(rows[2] ?? "", /^Local Volumes +2 +1 +0B +0B$/);
    assert.match(rows[3] ?? "", /^Build Cache +0 +0 +0B +0B$/);
    const lines = (await daemon.ok("system", "df", "--format", "json")).split("\n").map((line) => JSON.parse(line));
    assert.equal(lines[2].Type, "Local Volumes");
    const details = await daemon.ok("system", "df", "-v");
    assert.match(
      details,
      /REPOSITORY +TAG +IMAGE ID +CREATED +SIZE +SHARED SIZE +UNIQUE SIZE +CONTAINERS\nbusybox +latest /,
    );
    assert.match(details, /CONTAINER ID +IMAGE +COMMAND +LOCAL VOLUMES +SIZE +CREATED +STATUS +NAMES\n.* 1 .* user\n/);
    assert.match(details, /VOLUME NAME +LINKS +SIZE\nunused +0 +0B\nused +1 +0B\n/);
    assert.equal((await daemon.berth(["system", "df", "-v", "--format", "json"])).status, 125);
    await daemon.ok("rm", id);
    await daemon.ok("volume", "prune", "-af");
  });

  test("system prune says first what goes, and takes that", async () => {
    const { daemon } = at;
    const anonymous = await daemon.ok("volume", "create");
    const id = await daemon.ok("create", "-v", `${anonymous}:/data`, "busybox", "true");
    await daemon.ok("volume", "create", "named");
    const asked = await daemon.berth(["system", "prune", "--volumes", "-a", "--filter", "label!=x"], { input: "n\n" });
    assert.equal(asked.status, 1);
    for (const line of [
      "all stopped containers",
      "all anonymous volumes not used by at least one container",
      "all images without at least one container associated to them",
      "label!=x",
    ]) {
      assert.ok(asked.stdout.includes(`  - ${line}\n`), line);
    }
    assert.equal(await daemon.ok("ps", "-aq", "--no-trunc"), id);
    const pruned = await daemon.ok("system", "prune", "--volumes", "-f");
    assert.match(
      pruned,
      new RegExp(`^Deleted Containers:\n${id}\n\nDeleted Volumes:\n${anonymous}\n\nTotal reclaimed space: [\\d.]+k?B$`),
    );
    assert.equal(await daemon.ok("volume", "ls", "-q"), "named");
    assert.match(
      await daemon.ok("system", "prune", "-af"),
      /^Deleted Images:\nuntagged: busybox:latest\ndeleted: sha256:/,
    );
    assert.equal(await daemon.ok("images", "-q"), "");
  });

  test("bad filters are named and nothing is removed", async () => {
    const { daemon } = at;
    for (const [args, message] of [
      [["container", "prune", "-f", "--filter", "color=red"], /invalid filter 'color'/],
      [["container", "prune", "-f", "--filter", "until=yesterday"], /yesterday/],
      [["container", "prune", "-f", "--filter", "label"], /bad format of filter/],
      [["image", "prune", "-f", "--filter", "dangling=perhaps"], /invalid filter 'dangling=perhaps'/],
      [["system", "prune", "-f", "--volumes", "--filter", "until=1h"], /"until" filter is not supported/],
    ] as const) {
      const { status, stdout, stderr } = await daemon.berth(args);
      assert.deepEqual([status, stdout], [1, ""], args.join(" "));
      assert.match(stderr, message);
    }
    assert.equal(await daemon.ok("volume", "ls", "-q"), "named");
  });
});
