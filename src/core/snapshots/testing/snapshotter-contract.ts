// SPDX-License-Identifier: Apache-2.0
// What any snapshotter must do. Needs root: it looks at snapshots through real mounts.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { sha256Digest } from "../../../base/digest.ts";
import { codeOf, type ErrorCode } from "../../../base/errors.ts";
import { armFailpoint } from "../../../base/failpoint.ts";
import { makeTar, type TestEntry } from "../../../oci/archive/testing/tar-files.ts";
import type { Mount, MountActivator } from "../../mounts/mount.ts";
import type { LayerSource, Snapshotter } from "../snapshotter.ts";

/** One place with a snapshotter on it. */
export interface SnapshotterBed extends AsyncDisposable {
  /** An empty directory beside the snapshots, for blobs and mount points. */
  readonly scratch: string;
  readonly mounts: MountActivator;
  readonly snapshotter: Snapshotter;
  /** As after a kill: a new snapshotter on the same records and files, recovered. The old one must not be used again. */
  restart(): Promise<Snapshotter>;
  /** The extended attributes of a file in hexadecimal digits. */
  xattrs(path: string): Readonly<Record<string, string>>;
  /** The names of the directories that hold snapshots. */
  directories(): readonly string[];
}

const signal = AbortSignal.timeout(120_000);
const options = { signal };

/** Writes a layer's blob beside the snapshots. */
export function makeLayer(bed: SnapshotterBed, tar: Buffer, blob = tar, diffId?: string): LayerSource {
  const path = join(bed.scratch, randomUUID());
  fs.writeFileSync(path, blob);
  const hex = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");
  return {
    digest: sha256Digest(hex(blob)),
    mediaType: "application/vnd.oci.image.layer.v1.tar",
    size: blob.length,
    path,
    diffId: sha256Digest(diffId ?? hex(tar)),
  };
}

export function tarLayer(bed: SnapshotterBed, ...entries: readonly (TestEntry | Buffer)[]): LayerSource {
  return makeLayer(bed, makeTar(...entries));
}

/** Rejects with this code, and a message if given. */
export async function rejectsWith(promise: Promise<unknown>, code: ErrorCode, message = /./): Promise<void> {
  await assert.rejects(promise, (error: Error) => {
    assert.equal(codeOf(error), code, error.message);
    assert.match(error.message, message);
    return true;
  });
}

/** Runs the function with the mounts on a directory. */
export async function withMounted<R>(
  bed: SnapshotterBed,
  mounts: readonly Mount[],
  use: (directory: string) => R | Promise<R>,
): Promise<R> {
  const target = join(bed.scratch, `mnt-${randomUUID()}`);
  await bed.mounts.activate(target, mounts);
  try {
    return await use(target);
  } finally {
    await bed.mounts.deactivate(target);
  }
}

/** Looks at a committed snapshot through a view of it. */
export async function withView<R>(bed: SnapshotterBed, name: string, use: (directory: string) => R | Promise<R>) {
  const key = `view-${randomUUID()}`;
  const mounts = await bed.snapshotter.view(key, name, options);
  try {
    return await withMounted(bed, mounts, use);
  } finally {
    await bed.snapshotter.remove(key);
  }
}

/** Everything that can be seen of a tree, as text. */
function treeOf(directory: string): string {
  const script = `find . -mindepth 1 -printf '%p %y %m %U %G %l ' \\( -type f -printf '%s ' -o -true \\) -printf '%T@\\n' | sort
    find . \\( -type b -o -type c \\) -exec stat -c '%n %t %T' {} + | sort
    find . -type f -exec sha256sum {} + | sort`;
  return execFileSync("sh", ["-c", script], { cwd: directory, env: { ...process.env, LC_ALL: "C" } }).toString(
    "latin1",
  );
}

/** Registers the suite; makeBed gives each test a fresh place. */
export function snapshotterContract(name: string, makeBed: () => Promise<SnapshotterBed>): void {
  const check = (what: string, run: (bed: SnapshotterBed) => Promise<void>) =>
    void test(`${name}: ${what}`, async () => {
      await using bed = await makeBed();
      await run(bed);
    });

  check("a snapshot is prepared, written, committed and seen by its children", async (bed) => {
    const { snapshotter } = bed;
    await withMounted(bed, await snapshotter.prepare("work", undefined, options), (directory) => {
      fs.writeFileSync(join(directory, "file"), "one");
      fs.chmodSync(directory, 0o711);
    });
    assert.equal(snapshotter.find("work")?.kind, "active");
    await snapshotter.commit("base", "work", options);
    assert.equal(snapshotter.find("work"), undefined);
    assert.ok((snapshotter.find("base")?.usage?.bytes ?? 0) >= 4096);
    await withMounted(bed, await snapshotter.prepare("child", "base", options), (directory) => {
      assert.equal(fs.readFileSync(join(directory, "file"), "utf8"), "one");
      assert.equal(fs.statSync(directory).mode & 0o7777, 0o711);
      fs.rmSync(join(directory, "file"));
      fs.writeFileSync(join(directory, "other"), "two");
    });
    await withMounted(bed, await snapshotter.mounts("child"), (directory) => {
      assert.deepEqual(fs.readdirSync(directory), ["other"]);
    });
    await withView(bed, "base", (directory) => {
      assert.deepEqual(fs.readdirSync(directory), ["file"]);
      assert.throws(() => fs.writeFileSync(join(directory, "no"), ""), { code: "EROFS" });
    });
  });

  check("what was changed in a snapshot makes the same again as a layer", async (bed) => {
    const { snapshotter } = bed;
    const base = tarLayer(
      bed,
      { path: "kept", xattrs: new Map([["user.note", Buffer.of(0, 255)]]) },
      { path: "gone", data: "x" },
      { path: "dir/", kind: "directory" },
      { path: "dir/gone", data: "x" },
      { path: "hidden/", kind: "directory" },
      { path: "hidden/old", data: "x" },
    );
    await snapshotter.apply("base", undefined, base, options);
    const mounts = await snapshotter.prepare("work", "base", options);
    const long = `${"n".repeat(200)}/${"m".repeat(100)}`;
    const seen = await withMounted(bed, mounts, (directory) => {
      const at = (name: string) => join(directory, name);
      for (const name of ["gone", "dir/gone", "hidden"]) fs.rmSync(at(name), { recursive: true });
      fs.mkdirSync(at("hidden"), { mode: 0o1777 });
      fs.writeFileSync(at("hidden/new"), "new");
      fs.chownSync(at("hidden/new"), 1000, 3_000_000);
      fs.mkdirSync(join(at(long), ".."));
      fs.writeFileSync(at(long), Buffer.alloc(1_500_000, "long"));
      fs.linkSync(at(long), at("dir/link"));
      fs.symlinkSync("../kept", at("dir/symlink"));
      fs.writeFileSync(Buffer.concat([Buffer.from(at("latin-")), Buffer.of(0xe9)]), "");
      execFileSync("mkfifo", ["-m", "0604", at("dir/fifo")]);
      execFileSync("mknod", [at("dir/device"), "b", "259", "70000"]);
      fs.chmodSync(at("kept"), 0o4711);
      fs.utimesSync(at("kept"), 1_000_000_000.25, -1.75);
      return treeOf(directory);
    });
    const file = join(bed.scratch, "diff.tar");
    await snapshotter.writeDiff("work", file, options);
    assert.equal(fs.statSync(file).mode & 0o7777, 0o600);
    await snapshotter.apply("copy", "base", makeLayer(bed, fs.readFileSync(file)), options);
    await withView(bed, "copy", (directory) => {
      assert.equal(treeOf(directory), seen);
      assert.deepEqual(bed.xattrs(join(directory, "kept")), { "user.note": "00ff" });
      assert.equal(fs.statSync(join(directory, "dir/link")).ino, fs.statSync(join(directory, long)).ino);
    });
    assert.equal(fs.readFileSync(file).includes("old"), false, "what is hidden is not in it");
    await rejectsWith(snapshotter.writeDiff("nothing", file, options), "not-found");
    await rejectsWith(snapshotter.writeDiff("work", join(bed.scratch, "no/diff.tar"), options), "not-found");
  });

  check("what was changed in a snapshot is listed by name", async (bed) => {
    const { snapshotter } = bed;
    const base = tarLayer(
      bed,
      { path: "kept" },
      { path: "gone", data: "x" },
      { path: "dir/", kind: "directory" },
      { path: "dir/deep/", kind: "directory" },
      { path: "dir/deep/file", data: "x" },
      { path: "mode/", kind: "directory" },
      { path: "again/", kind: "directory" },
      { path: "again/kept", data: "x" },
      { path: "again/gone", data: "x" },
      { path: "turned/", kind: "directory" },
      { path: "turned/file", data: "x" },
    );
    await snapshotter.apply("base", undefined, base, options);
    const mounts = await snapshotter.prepare("work", "base", options);
    assert.deepEqual(await snapshotter.changes("work", options), []);
    await withMounted(bed, mounts, (directory) => {
      const at = (name: string) => join(directory, name);
      for (const name of ["gone", "again", "turned"]) fs.rmSync(at(name), { recursive: true });
      fs.appendFileSync(at("dir/deep/file"), "more");
      fs.chmodSync(at("mode"), 0o700);
      fs.mkdirSync(at("again"));
      fs.writeFileSync(at("again/kept"), "");
      fs.symlinkSync("/etc", at("turned"));
      fs.mkdirSync(at("new/deep"), { recursive: true });
    });
    const changes = await snapshotter.changes("work", options);
    assert.deepEqual(
      changes.map(({ kind, path }) => `${kind} ${path}`),
      [
        "changed /again",
        "removed /again/gone",
        "changed /again/kept",
        "changed /dir",
        "changed /dir/deep",
        "changed /dir/deep/file",
        "removed /gone",
        "changed /mode",
        "added /new",
        "added /new/deep",
        "changed /turned",
      ],
    );
    const contentOnly = changes.filter(({ isContentOnly }) => isContentOnly).map(({ path }) => path);
    assert.deepEqual(contentOnly, ["/dir", "/dir/deep"]);
    await rejectsWith(snapshotter.changes("nothing", options), "not-found");
    const file = join(bed.scratch, "some.tar");
    await snapshotter.writeDiff("work", file, { ...options, omit: ["/again", "/dir/deep", "/gone", "/new"] });
    const names = execFileSync("tar", ["-tf", file], { encoding: "utf8" }).trimEnd().split("\n");
    assert.deepEqual(names, ["dir/", "mode/", "turned"]);
  });

  check("names are taken once and parents are protected", async (bed) => {
    const { snapshotter } = bed;
    await snapshotter.prepare("a", undefined, options);
    await rejectsWith(snapshotter.prepare("a", undefined, options), "already-exists", /snapshot a already exists/);
    await rejectsWith(snapshotter.prepare("b", "a", options), "failed-precondition", /a is not committed/);
    await rejectsWith(snapshotter.view("b", "nothing", options), "not-found", /no such snapshot: nothing/);
    await rejectsWith(snapshotter.commit("a", "a", options), "already-exists");
    await rejectsWith(snapshotter.commit("x", "nothing", options), "not-found");
    await snapshotter.commit("base", "a", options);
    await rejectsWith(snapshotter.mounts("base"), "not-found");
    await rejectsWith(snapshotter.commit("again", "base", options), "failed-precondition", /not active/);
    await snapshotter.view("v", "base", options);
    await rejectsWith(snapshotter.commit("again", "v", options), "failed-precondition", /not active/);
    await rejectsWith(snapshotter.remove("base"), "failed-precondition", /snapshot v stands on it/);
    await snapshotter.remove("v");
    await snapshotter.remove("base");
    await snapshotter.remove("base");
    assert.deepEqual([...snapshotter.walk()], []);
    assert.deepEqual(bed.directories(), []);
  });

  check("layers hide, replace and add, in every compression", async (bed) => {
    const { snapshotter } = bed;
    const base = makeTar(
      { path: "etc/", mode: 0o750, uid: 5, gid: 6, mtimeSeconds: 1000 },
      { path: "etc/gone", data: "x" },
      { path: "etc/kept", data: "kept", mode: 0o4711, uid: 7, mtimeSeconds: 77 },
      { path: "opaque/", mode: 0o755 },
      { path: "opaque/old", data: "x" },
      { path: "dir/", mode: 0o755 },
      { path: "dir/below", data: "x" },
      { path: "lib", kind: "symlink", linkTarget: "usr/lib" },
      { path: "usr/lib/", mode: 0o755 },
    );
    await snapshotter.apply("base", undefined, makeLayer(bed, base, gzipSync(base)), options);
    const second = makeTar(
      { path: "etc/.wh.gone" },
      { path: "etc/added", data: "new" },
      { path: "opaque/first", data: "1" },
      { path: "opaque/.wh..wh..opq" },
      { path: "opaque/second", data: "2" },
      { path: "dir", data: "a file now" },
      { path: "lib/libc", data: "through the symlink" },
      { path: "hard", kind: "hard-link", linkTarget: "etc/kept" },
    );
    await snapshotter.apply("second", "base", makeLayer(bed, second, zstdCompressSync(second)), options);
    await withView(bed, "second", (directory) => {
      const at = (path: string) => join(directory, path);
      assert.deepEqual(fs.readdirSync(at("etc")).sort(), ["added", "kept"]);
      const etc = fs.statSync(at("etc"));
      assert.deepEqual([etc.mode & 0o7777, etc.uid, etc.gid], [0o750, 5, 6]);
      assert.deepEqual(fs.readdirSync(at("opaque")).sort(), ["first", "second"]);
      assert.equal(fs.readFileSync(at("dir"), "utf8"), "a file now");
      assert.equal(fs.readlinkSync(at("lib")), "usr/lib");
      assert.equal(fs.readFileSync(at("usr/lib/libc"), "utf8"), "through the symlink");
      const hard = fs.statSync(at("hard"));
      assert.deepEqual([hard.nlink, hard.uid, hard.mode & 0o7777, hard.mtimeMs], [2, 7, 0o4711, 77_000]);
      assert.equal(fs.statSync(at("etc/kept")).ino, hard.ino);
    });
    const third = tarLayer(bed, { path: "dir/", mode: 0o700 }, { path: "dir/again", data: "x" }, { path: ".wh.usr" });
    await snapshotter.apply("third", "second", third, options);
    await withView(bed, "third", (directory) => {
      assert.deepEqual(fs.readdirSync(join(directory, "dir")), ["again"]);
      assert.equal(fs.existsSync(join(directory, "usr")), false);
    });
  });

  check("extended attributes, devices, fifos and times come through", async (bed) => {
    const capability = Buffer.from("0100000200040000000000000000000000000000", "hex");
    const xattrs = new Map([
      ["user.note", Buffer.from("hello")],
      ["security.capability", capability],
      ["security.selinux", Buffer.from("label")],
      ["trusted.overlay.opaque", Buffer.from("y")],
      ["user.overlay.opaque", Buffer.from("y")],
    ]);
    const layer = tarLayer(
      bed,
      { path: "d/", mode: 0o1777, xattrs, mtimeSeconds: 123_456 },
      { path: "d/f", data: "x", uid: 9, xattrs, mtimeSeconds: 5, mtimeNanoseconds: 250_000_000 },
      { path: "null", kind: "character-device", deviceMajor: 1, deviceMinor: 3, mode: 0o666 },
      { path: "pipe", kind: "fifo", mode: 0o622 },
      { path: "link", kind: "symlink", linkTarget: "/nowhere", uid: 3, mtimeSeconds: -5 },
    );
    await bed.snapshotter.apply("base", undefined, layer, options);
    await withView(bed, "base", (directory) => {
      const at = (path: string) => join(directory, path);
      assert.deepEqual(bed.xattrs(at("d/f")), {
        "security.capability": capability.toString("hex"),
        "user.note": "68656c6c6f",
      });
      assert.equal(fs.statSync(at("d/f")).mtimeMs, 5250);
      assert.deepEqual([fs.statSync(at("d")).mtimeMs, fs.statSync(at("d")).mode & 0o7777], [123_456_000, 0o1777]);
      assert.equal(fs.statSync(at("null")).rdev, 0x103);
      assert.ok(fs.statSync(at("pipe")).isFIFO());
      assert.deepEqual([fs.lstatSync(at("link")).uid, fs.lstatSync(at("link")).mtimeMs], [3, 0]);
    });
  });

  check("a stack of 130 layers works", async (bed) => {
    for (let index = 1; index <= 130; index++) {
      const layer = tarLayer(bed, { path: `f${index}`, data: String(index) }, { path: "last", data: String(index) });
      await bed.snapshotter.apply(`l${index}`, index === 1 ? undefined : `l${index - 1}`, layer, options);
    }
    await withMounted(bed, await bed.snapshotter.prepare("top", "l130", options), (directory) => {
      assert.equal(fs.readdirSync(directory).length, 131);
      assert.equal(fs.readFileSync(join(directory, "last"), "utf8"), "130");
      fs.writeFileSync(join(directory, "f1"), "changed");
    });
  });

  check("usage counts blocks once for each inode", async (bed) => {
    const sizes = [
      { path: "a", data: Buffer.alloc(1 << 20, 1) },
      { path: "b", kind: "hard-link", linkTarget: "a" },
    ] as const;
    await bed.snapshotter.apply("base", undefined, tarLayer(bed, ...sizes), options);
    const usage = await bed.snapshotter.usage("base", options);
    assert.equal(usage.inodes, 2);
    assert.ok(usage.bytes >= 1 << 20 && usage.bytes < 1.2 * (1 << 20), `${usage.bytes}`);
  });

  check("what cannot be applied leaves nothing", async (bed) => {
    const { snapshotter } = bed;
    const tar = makeTar({ path: "f", data: Buffer.alloc(3000, 7) }, { path: "g", data: "x" });
    const gzip = gzipSync(tar);
    const cases: readonly (readonly [Buffer, ErrorCode, RegExp])[] = [
      [gzip.subarray(0, -12), "data-loss", /unpack layer sha256:.*damaged gzip stream/],
      [Buffer.concat([gzip, Buffer.from("garbage")]), "data-loss", /damaged gzip stream/],
      [zstdCompressSync(tar).subarray(0, -5), "data-loss", /(damaged|malformed) zstd stream/],
      [tar.subarray(0, 2000), "data-loss", /truncated at byte 2000 in "f"/],
      [gzipSync(makeTar({ path: "evil", data: "x" })), "data-loss", /uncompressed content is sha256:/],
    ];
    for (const [blob, code, message] of cases) {
      await rejectsWith(snapshotter.apply("l", undefined, makeLayer(bed, tar, blob), options), code, message);
      assert.equal(snapshotter.find("l"), undefined);
      assert.deepEqual(bed.directories(), []);
    }
    const controller = new AbortController();
    const layer = makeLayer(bed, makeTar(...Array(50).fill({ path: "f", data: Buffer.alloc(1 << 20) })));
    const onProgress = () => controller.abort();
    await assert.rejects(snapshotter.apply("l", undefined, layer, { signal: controller.signal, onProgress }));
    assert.deepEqual(bed.directories(), []);
    await rejectsWith(snapshotter.apply("l", "nothing", layer, options), "not-found", /no such snapshot: nothing/);
  });

  check("applying again or at the same time gives one snapshot", async (bed) => {
    const layer = tarLayer(bed, { path: "f", data: "x" });
    await Promise.all([1, 2, 3].map(() => bed.snapshotter.apply("l", undefined, layer, options)));
    await bed.snapshotter.apply("l", undefined, layer, options);
    await Promise.all([1, 2, 3].map((index) => bed.snapshotter.apply(`c${index}`, "l", layer, options)));
    assert.equal([...bed.snapshotter.walk()].length, 4);
    assert.equal(bed.directories().length, 4);
  });

  check("a crash at any step leaves whole snapshots or none", async (bed) => {
    let { snapshotter } = bed;
    const layer = tarLayer(bed, { path: "f", data: "x" });
    for (const step of ["apply", "prepare", "commit", "remove"]) {
      await snapshotter.apply("kept", undefined, layer, options);
      await snapshotter.prepare("active", "kept", options);
      {
        const { promise: reached, resolve } = Promise.withResolvers<void>();
        using _armed = armFailpoint(`snapshot/${snapshotter.id}/${step}`, () => {
          resolve();
          return new Promise<void>(() => {});
        });
        const operations: Record<string, () => Promise<unknown>> = {
          apply: () => snapshotter.apply("new", "kept", layer, options),
          prepare: () => snapshotter.prepare("new", "kept", options),
          commit: () => snapshotter.commit("new", "active", options),
          remove: () => snapshotter.remove("active"),
        };
        // It never ends: that is the crash.
        void operations[step]?.();
        await reached;
      }
      snapshotter = await bed.restart();
      const keys = [...snapshotter.walk()].map((info) => info.key).sort();
      assert.deepEqual(keys, step === "remove" ? ["kept"] : ["active", "kept"], step);
      assert.equal(bed.directories().length, keys.length, step);
      await snapshotter.remove("active");
    }
  });
}
