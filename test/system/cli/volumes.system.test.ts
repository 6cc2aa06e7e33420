// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { suite, test } from "node:test";
import { suiteDaemon } from "../../support/suite-daemon.ts";

suite("volumes with the berth command", () => {
  const at = suiteDaemon();

  test("are made, listed, shown and removed as Docker does", async () => {
    const { daemon } = at;
    assert.equal(await daemon.ok("volume", "create", "--label", "tier=db", "data"), "data");
    assert.equal(await daemon.ok("volume", "create", "data"), "data");
    const anonymous = await daemon.ok("volume", "create");
    assert.match(anonymous, /^[0-9a-f]{64}$/);
    const [header, ...rows] = (await daemon.ok("volume", "ls")).split("\n");
    assert.match(header ?? "", /^DRIVER +VOLUME NAME$/);
    assert.deepEqual(
      rows.map((row) => row.split(/ +/)),
      [anonymous, "data"].toSorted().map((name) => ["local", name]),
    );
    assert.equal(await daemon.ok("volume", "ls", "-q", "-f", "label=tier=db"), "data");
    assert.equal(await daemon.ok("volume", "list", "-q", "-f", "name=^da"), "data");
    assert.equal(
      await daemon.ok("volume", "ls", "--format", "{{.Name}} {{.Labels}}", "-f", "name=data"),
      "data tier=db",
    );
    const [shown] = JSON.parse(await daemon.ok("volume", "inspect", "data"));
    assert.equal(shown.Mountpoint, path.join(daemon.root, "volumes/data/_data"));
    assert.deepEqual(shown.Labels, { tier: "db" });
    assert.deepEqual(shown.UsedBy, []);
    assert.equal(await daemon.ok("inspect", "-f", "{{.Driver}} {{.Scope}}", "data"), "local local");
    assert.equal(await daemon.ok("volume", "rm", "data", anonymous), `data\n${anonymous}`);
    assert.equal(await daemon.ok("volume", "ls", "-q"), "");
    assert.equal(existsSync(shown.Mountpoint), false);
  });

  test("one in use stays, and who has it is said", async () => {
    const { daemon } = at;
    const id = await daemon.ok("create", "-v", "kept:/data", "busybox", "true");
    const refused = await daemon.berth(["volume", "rm", "-f", "kept"]);
    assert.equal(refused.status, 1);
    assert.equal(refused.stderr, `Error response from daemon: remove kept: volume is in use - [${id}]\n`);
    assert.equal(await daemon.ok("volume", "ls", "-q", "-f", "dangling=true"), "");
    assert.equal(await daemon.ok("volume", "ls", "-q", "-f", "dangling=0"), "kept");
    assert.equal(await daemon.ok("volume", "prune", "-af"), "Total reclaimed space: 0B");
    await daemon.ok("rm", id);
    assert.equal(await daemon.ok("volume", "rm", "kept"), "kept");
  });

  test("prune takes the anonymous ones, all of them with -a, and asks first", async () => {
    const { daemon } = at;
    const anonymous = await daemon.ok("volume", "create", "--label", "a");
    await daemon.ok("volume", "create", "named");
    const mountpoint = await daemon.ok("volume", "inspect", "-f", "{{.Mountpoint}}", "named");
    await writeFile(path.join(mountpoint, "file"), "x".repeat(2500));
    const asked = await daemon.berth(["volume", "prune"], { input: "n\n" });
    assert.equal(asked.status, 1);
    assert.match(asked.stdout, /^WARNING! This will remove anonymous local volumes not used .*\n.*\[y\/N\] /);
    assert.equal(asked.stderr, "volume prune has been cancelled\n");
    assert.equal((await daemon.berth(["volume", "prune"], { input: "" })).status, 1);
    assert.equal(await daemon.ok("volume", "prune", "-f", "--filter", "label!=a"), "Total reclaimed space: 0B");
    const pruned = await daemon.berth(["volume", "prune"], { input: "y\n" });
    assert.equal(pruned.status, 0);
    assert.match(pruned.stdout, new RegExp(`\\[y/N\\] Deleted Volumes:\n${anonymous}\n\nTotal reclaimed space: 0B\n$`));
    assert.equal(await daemon.ok("volume", "ls", "-q"), "named");
    assert.equal(await daemon.ok("volume", "prune", "-af"), "Deleted Volumes:\nnamed\n\nTotal reclaimed space: 2.5kB");
  });

  test("bad input is named, and nothing comes of it", async () => {
    const { daemon } = at;
    for (const [args, message] of [
      [["rm", "nothing"], /^Error response from daemon: no such volume: nothing\n$/],
      [["inspect", "nothing"], /^Error: No such volume: nothing\n$/],
      [["create", "a/b"], /includes invalid characters for a local volume name/],
      [["create", "-d", "nfs", "data"], /volume plugin nfs/],
      [["create", "-o", "type=nfs", "data"], /create data: option "type" is not known/],
      [["ls", "-f", "color=red"], /invalid filter 'color'/],
      [["ls", "-f", "dangling=perhaps"], /invalid filter 'dangling=perhaps'/],
      [["ls", "--format", "{{.Nope}}"], /Nope/],
      [["prune", "-f", "--filter", "until=1h"], /invalid filter 'until'/],
    ] as const) {
      // A row for the template to fail on.
      if (args[0] === "ls") await daemon.ok("volume", "create", "one");
      const { status, stderr } = await daemon.berth(["volume", ...args]);
      assert.equal(status, 1, args.join(" "));
      assert.match(stderr, message);
    }
    assert.equal((await daemon.berth(["volume", "rm", "-f", "nothing"])).stdout, "nothing\n");
    assert.equal(await daemon.ok("volume", "ls", "-q"), "one");
  });
});
