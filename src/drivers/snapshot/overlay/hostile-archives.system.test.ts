// SPDX-License-Identifier: Apache-2.0
// Archives that try to leave the root, to change what they must not, or to break the unpacker: each either lands inside
// at a known place or is refused with a known message, and a canary beside the snapshots never changes.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import type { ErrorCode } from "../../../base/errors.ts";
import {
  makeLayer,
  rejectsWith,
  type SnapshotterBed,
  withView,
} from "../../../core/snapshots/testing/snapshotter-contract.ts";
import { formatPaxRecord } from "../../../oci/archive/pax.ts";
import { makeTar, patchHeader, type TestEntry, tarPart } from "../../../oci/archive/testing/tar-files.ts";
import { openMemoryStore } from "../../../storage/memory/memory-store.ts";
import { makeOverlayBed } from "./testing/overlay-bed.ts";

type Entries = readonly (TestEntry | Buffer)[];

interface HostileCase {
  readonly what: string;
  /** The layers, the base first; all but the last are applied without a fault. */
  readonly layers: (outside: string) => readonly Entries[];
  /** Paths in the final view and what they are: "data", "-> target", "/" for a directory, "absent". */
  readonly lands?: Readonly<Record<string, string>>;
  readonly refused?: readonly [ErrorCode, RegExp];
  readonly blob?: (tar: Buffer) => Buffer;
}

const hello = { data: "hello" } as const;
const symlink = (path: string, linkTarget: string): TestEntry => ({ path, kind: "symlink", linkTarget });
const hardLink = (path: string, linkTarget: string): TestEntry => ({ path, kind: "hard-link", linkTarget });
const pax = (records: Readonly<Record<string, string>>, entry: Buffer): Buffer => {
  const data = Buffer.concat(Object.entries(records).map(([key, value]) => formatPaxRecord(key, Buffer.from(value))));
  return Buffer.concat([patchHeader(tarPart({ path: "pax", data }), 156, Buffer.from("x")), entry]);
};
const field = (entry: TestEntry, at: number, bytes: readonly number[] | string) =>
  patchHeader(tarPart(entry), at, Buffer.from(bytes as string));
const skippable = Buffer.concat([Buffer.from([0x5e, 0x2a, 0x4d, 0x18, 4, 0, 0, 0]), Buffer.from("skip")]);
const bad: ErrorCode = "invalid-argument";

const cases: readonly HostileCase[] = [
  { what: "absolute name", layers: () => [[{ path: "/etc/x", ...hello }]], lands: { "etc/x": "hello" } },
  { what: "name that climbs", layers: () => [[{ path: "../../../x", ...hello }]], lands: { x: "hello" } },
  {
    what: "name that climbs in the middle",
    layers: () => [[{ path: "a/../../b/x", ...hello }]],
    lands: { "b/x": "hello", a: "absent" },
  },
  {
    what: "file through an absolute symlink",
    layers: (outside) => [[symlink("out", outside), { path: "out/x", ...hello }]],
    lands: { out: "-> OUTSIDE", "OUTSIDE/x": "hello" },
  },
  {
    what: "file far below a symlink to an existing directory outside",
    layers: (outside) => [[symlink("out", outside), { path: "out/sub/x", ...hello }]],
    lands: { "OUTSIDE/sub/x": "hello" },
  },
  {
    what: "directory far below a symlink to an existing directory outside",
    layers: (outside) => [[symlink("out", outside), { path: "out/sub/", mode: 0o777, uid: 5 }]],
    lands: { "OUTSIDE/sub": "/" },
  },
  {
    what: "file through a climbing symlink",
    layers: () => [[symlink("out", "../../../../.."), { path: "out/x", ...hello }]],
    lands: { x: "hello" },
  },
  {
    what: "file through a symlink of a lower layer",
    layers: (outside) => [[symlink("out", outside)], [{ path: "out/x", ...hello }]],
    lands: { out: "-> OUTSIDE", "OUTSIDE/x": "hello" },
  },
  {
    what: "file over a symlink as last component",
    layers: (outside) => [[symlink("x", `${outside}/canary`), { path: "x", ...hello }]],
    lands: { x: "hello" },
  },
  {
    what: "directory over a symlink to outside",
    layers: (outside) => [[symlink("x", outside), { path: "x/", mode: 0o777 }, { path: "x/f", ...hello }]],
    lands: { x: "/", "x/f": "hello" },
  },
  {
    what: "loop of symlinks",
    layers: () => [[symlink("a", "b"), symlink("b", "a"), { path: "a/x" }]],
    refused: [bad, /loop of symlinks/],
  },
  {
    what: "file as parent",
    layers: () => [[{ path: "f" }, { path: "f/x" }]],
    refused: [bad, /entry "f\/x": "f" is not a directory/],
  },
  {
    what: "hard link to outside by name",
    layers: (outside) => [[hardLink("x", `${outside}/canary`)]],
    refused: [bad, /target ".*" is not in the image/],
  },
  {
    what: "hard link to outside through a symlink directory",
    layers: (outside) => [[symlink("d", outside), hardLink("x", "d/canary")]],
    refused: [bad, /target "d\/canary" is not in the image/],
  },
  {
    what: "hard link to a symlink, then written through",
    layers: (outside) => [[symlink("s", `${outside}/canary`), hardLink("x", "s"), { path: "x", ...hello }]],
    lands: { x: "hello", s: "-> OUTSIDE/canary" },
  },
  {
    what: "hard link to a file that a whiteout removed",
    layers: () => [[{ path: "f", ...hello }], [{ path: ".wh.f" }, hardLink("x", "f")]],
    refused: [bad, /target "f" is not in the image/],
  },
  {
    what: "hard link to a directory",
    layers: () => [[{ path: "d/" }, hardLink("x", "d")]],
    refused: [bad, /is a directory/],
  },
  { what: "hard link to itself", layers: () => [[{ path: "f", ...hello }, hardLink("f", "f")]], lands: { f: "hello" } },
  { what: "whiteout of ..", layers: () => [[{ path: "a/.wh..." }]], refused: [bad, /whiteout of ".."/] },
  { what: "whiteout of .", layers: () => [[{ path: ".wh.." }]], refused: [bad, /whiteout of "."/] },
  { what: "whiteout of nothing", layers: () => [[{ path: "a/.wh." }]], refused: [bad, /whiteout of ""/] },
  { what: "whiteout of /", layers: () => [[{ path: ".wh./", kind: "directory" }]], refused: [bad, /whiteout of ""/] },
  {
    what: "whiteout as directory",
    layers: () => [[{ path: ".wh.a/b" }]],
    refused: [bad, /whiteout cannot be a directory/],
  },
  {
    what: "opaque mark between entries",
    layers: () => [
      [{ path: "d/old" }],
      [{ path: "d/one", ...hello }, { path: "d/.wh..wh..opq" }, { path: "d/two", ...hello }],
    ],
    lands: { "d/old": "absent", "d/one": "hello", "d/two": "hello" },
  },
  {
    what: "whiteout through a symlink",
    layers: (outside) => [[symlink("out", outside), { path: "keep", ...hello }], [{ path: "out/.wh.canary" }]],
    lands: { keep: "hello" },
  },
  {
    what: "whiteout beside an entry of the same layer",
    layers: () => [
      [{ path: "f", data: "old" }, { path: "d/old" }],
      [{ path: "f", ...hello }, { path: ".wh.f" }, { path: ".wh.d" }, { path: "d/new", ...hello }],
    ],
    lands: { f: "hello", "d/old": "absent", "d/new": "hello" },
  },
  {
    what: "directory, symlink, directory",
    layers: (outside) => [
      [
        { path: "x/a", ...hello },
        symlink("x", outside),
        { path: "x/b", ...hello },
        { path: "x/" },
        { path: "x/c", ...hello },
      ],
    ],
    lands: { x: "/", "x/a": "absent", "x/b": "absent", "x/c": "hello", "OUTSIDE/b": "hello" },
  },
  {
    what: "aufs metadata",
    layers: () => [
      [
        { path: ".wh..wh.plnk/1.2", ...hello },
        { path: "f", ...hello },
      ],
    ],
    lands: { ".wh..wh.plnk": "absent", f: "hello" },
  },
  {
    what: "device 0:0 is a whiteout",
    layers: () => [[{ path: "f" }], [{ path: "f", kind: "character-device" }]],
    lands: { f: "absent" },
  },
  {
    what: "duplicates of other kinds",
    layers: () => [[{ path: "x/" }, { path: "x", kind: "fifo" }, symlink("x", "y"), { path: "x", ...hello }]],
    lands: { x: "hello" },
  },
  {
    what: "root as a symlink",
    layers: (outside) => [[symlink("./", outside)]],
    refused: [bad, /root of an image must be a directory/],
  },
  { what: "empty symlink target", layers: () => [[symlink("x", "")]], refused: [bad, /entry "x"/] },
  { what: "name longer than 255 bytes", layers: () => [[{ path: "n".repeat(256) }]], refused: [bad, /ENAMETOOLONG/] },
  {
    what: "path longer than 4095 bytes",
    layers: () => [[{ path: `${"d/".repeat(2047)}xx` }]],
    refused: [bad, /longer than 4095/],
  },
  {
    what: "path of 4094 bytes",
    layers: () => [[{ path: `${"d/".repeat(2000)}x`, ...hello }]],
    lands: { "d/d/d": "/" },
  },
  {
    what: "PAX path wins over ustar",
    layers: () => [[pax({ path: "right" }, tarPart({ path: "wrong", ...hello }))]],
    lands: { right: "hello", wrong: "absent" },
  },
  {
    what: "PAX size wins over the header",
    layers: () => [[pax({ size: "5" }, field({ path: "f", ...hello }, 124, "00000000001\0"))]],
    lands: { f: "hello" },
  },
  {
    what: "NUL in a PAX path",
    layers: () => [[pax({ path: "a\0b" }, tarPart({ path: "f" }))]],
    refused: ["data-loss", /NUL/],
  },
  {
    what: "NUL in a ustar name ends it",
    layers: () => [[field({ path: "abc", ...hello }, 1, [0])]],
    lands: { a: "hello" },
  },
  {
    what: "huge uid",
    layers: () => [[{ path: "f", uid: 2 ** 32 - 1 }]],
    refused: [bad, /user id 4294967295 is not between/],
  },
  {
    what: "negative uid",
    layers: () => [[field({ path: "f" }, 108, Array(8).fill(0xff))]],
    refused: [bad, /user id -1/],
  },
  {
    what: "negative size",
    layers: () => [[field({ path: "f" }, 124, Array(12).fill(0xff))]],
    refused: ["data-loss", /negative size/],
  },
  { what: "huge mtime", layers: () => [[{ path: "f", ...hello, mtimeSeconds: 2 ** 50 }]], lands: { f: "hello" } },
  {
    what: "sparse bomb",
    layers: () => [
      [pax({ "GNU.sparse.map": "0,5", "GNU.sparse.size": String(2 ** 40) }, tarPart({ path: "f", ...hello }))],
    ],
    lands: { f: "sparse" },
  },
  {
    what: "case-fold collision",
    layers: () => [
      [
        { path: "A", data: "1" },
        { path: "a", data: "2" },
      ],
    ],
    lands: { A: "1", a: "2" },
  },
  { what: "not UTF-8", layers: () => [[{ path: "\xff\xfe", ...hello }]], lands: { "\xff\xfe": "hello" } },
  {
    what: "gzip of two members",
    layers: () => [[{ path: "f", ...hello }]],
    blob: (tar) => Buffer.concat([gzipSync(tar.subarray(0, 100)), gzipSync(tar.subarray(100))]),
    lands: { f: "hello" },
  },
  {
    what: "gzip and garbage",
    layers: () => [[{ path: "f" }]],
    blob: (tar) => Buffer.concat([gzipSync(tar), Buffer.from("xx")]),
    refused: ["data-loss", /damaged gzip/],
  },
  {
    what: "zstd of several frames",
    layers: () => [[{ path: "f", ...hello }]],
    blob: (tar) =>
      Buffer.concat([
        skippable,
        zstdCompressSync(tar.subarray(0, 100)),
        skippable,
        zstdCompressSync(tar.subarray(100)),
        skippable,
      ]),
    lands: { f: "hello" },
  },
  {
    what: "zstd and garbage",
    layers: () => [[{ path: "f" }]],
    blob: (tar) => Buffer.concat([zstdCompressSync(tar), Buffer.from("garbage")]),
    refused: ["data-loss", /malformed zstd stream/],
  },
  {
    what: "zstd with a huge window",
    layers: () => [[{ path: "f" }]],
    blob: () => Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0x98, 1, 0, 0]),
    refused: ["data-loss", /damaged zstd stream/],
  },
  {
    what: "gzip cut short",
    layers: () => [[{ path: "f" }]],
    blob: (tar) => gzipSync(tar).subarray(0, -9),
    refused: ["data-loss", /damaged gzip stream/],
  },
  {
    what: "blob without a byte",
    layers: () => [[]],
    blob: () => Buffer.alloc(0),
    refused: ["data-loss", /uncompressed content is sha256:e3b0c442/],
  },
  {
    what: "other content than promised",
    layers: () => [[{ path: "f" }]],
    blob: () => makeTar({ path: "g" }),
    refused: ["data-loss", /uncompressed content is/],
  },
];

for (const hostile of cases) {
  test(`hostile archive: ${hostile.what}`, async () => {
    await using bed = await makeOverlayBed(openMemoryStore());
    const outside = join(bed.scratch, "outside");
    fs.mkdirSync(join(outside, "sub"), { recursive: true });
    fs.writeFileSync(join(outside, "canary"), "alive", { mode: 0o640 });
    const before = picture(outside);
    const name = await apply(bed, hostile, outside);
    if (name !== undefined) {
      await withView(bed, name, (view) => {
        for (const [path, expected] of Object.entries(hostile.lands ?? {})) {
          const inside = path.replace("OUTSIDE", outside.slice(1));
          assert.equal(describe(view, inside), expected.replace("OUTSIDE", outside), path);
        }
      });
    }
    assert.equal(picture(outside), before);
  });
}

async function apply(bed: SnapshotterBed, hostile: HostileCase, outside: string): Promise<string | undefined> {
  const layers = hostile.layers(outside);
  for (const [index, entries] of layers.entries()) {
    const isLast = index === layers.length - 1;
    const tar = makeTar(...entries);
    const layer = makeLayer(bed, tar, isLast ? (hostile.blob?.(tar) ?? tar) : tar);
    const parent = index === 0 ? undefined : `layer${index - 1}`;
    const applied = bed.snapshotter.apply(`layer${index}`, parent, layer, { signal: AbortSignal.timeout(30_000) });
    if (!isLast || hostile.refused === undefined) await applied;
    else {
      await rejectsWith(applied, ...hostile.refused);
      assert.equal(bed.directories().length, index);
      return undefined;
    }
  }
  return `layer${layers.length - 1}`;
}

function describe(view: string, path: string): string {
  const full = Buffer.from(`${Buffer.from(view).toString("latin1")}/${path}`, "latin1");
  const stats = fs.lstatSync(full, { throwIfNoEntry: false });
  if (stats === undefined) return "absent";
  if (stats.isDirectory()) return "/";
  if (stats.isSymbolicLink()) return `-> ${fs.readlinkSync(full, "utf8")}`;
  if (stats.size > 1 << 30) return stats.blocks < 100 ? "sparse" : "full of zeros";
  return fs.readFileSync(full, "utf8");
}

/** Everything about the canary that an archive could change. */
function picture(directory: string): string {
  return [directory, join(directory, "sub"), join(directory, "canary")]
    .map((path) => {
      const { ino, mode, uid, gid, nlink, mtimeMs, size } = fs.lstatSync(path);
      return JSON.stringify([path, ino, mode, uid, gid, nlink, mtimeMs, size]);
    })
    .concat(
      fs.readdirSync(directory),
      fs.readdirSync(join(directory, "sub")),
      fs.readFileSync(join(directory, "canary"), "utf8"),
    )
    .join("\n");
}

test("a full disk is resource-exhausted and leaves nothing", async () => {
  await using bed = await makeOverlayBed(openMemoryStore());
  const root = join(bed.scratch, "..", "snapshots");
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=2m", "berth-test", root]);
  try {
    fs.mkdirSync(join(root, "trash"));
    const layer = makeLayer(bed, makeTar({ path: "d/f", data: Buffer.alloc(4 << 20, 1) }));
    const applied = bed.snapshotter.apply("l", undefined, layer, { signal: AbortSignal.timeout(30_000) });
    await rejectsWith(applied, "resource-exhausted", /unpack layer .*entry "d\/f": no space left on device/);
    assert.deepEqual(bed.directories(), []);
    await bed.snapshotter[Symbol.asyncDispose]();
  } finally {
    // Lazily: a worker that was ended while it deleted may have left descriptors to this process.
    execFileSync("umount", ["--lazy", root]);
  }
});
